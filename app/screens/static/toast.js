// One toast at a time, gone after six seconds; hover and focus hold it.
const LASTS = 6000;

function watch(toast) {
  let timer = 0;
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(() => toast.remove(), LASTS);
  };
  const hold = () => clearTimeout(timer);
  toast.addEventListener("mouseenter", hold);
  toast.addEventListener("mouseleave", start);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("focusout", start);
  start();
}

// With *undo* ({ label, run }) it can be taken back from where it is told.
export function toast(text, undo) {
  const region = document.getElementById("toasts");
  const box = document.createElement("div");
  box.className = "toast-t";
  box.setAttribute("role", "status");
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = undo.label;
    button.addEventListener("click", () => {
      box.remove();
      undo.run();
    });
    box.append(button);
  }
  region.replaceChildren(box);
  watch(box);
  return box;
}

export function startToasts() {
  for (const box of document.querySelectorAll("#toasts .toast-t")) watch(box);
  // htmx hides failures: a request that did not arrive must be said.
  document.addEventListener("htmx:sendError", () => toast(document.body.dataset.wordOffline));
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
    else toast(document.body.dataset.wordFailed);
  });
}
