// The columns of an import are shown anew with each choice; what was open stays open.

const key = (one) => (one.id ? `#${CSS.escape(one.id)}` : one.name ? `[name="${one.name}"][value="${CSS.escape(one.value)}"]` : "");

let open = [];
let focused = "";

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "imp") return;
  open = [...document.querySelectorAll("#imp details[open]")].map((one) => one.id);
  focused = document.activeElement?.closest("#imp") ? key(document.activeElement) : "";
});

document.addEventListener("htmx:afterSwap", () => {
  const page = document.getElementById("imp");
  if (!page) return;
  for (const id of open) {
    const one = id && document.getElementById(id);
    if (one) one.open = true;
  }
  if (focused) page.querySelector(focused)?.focus({ preventScroll: true });
  open = [];
  focused = "";
});
