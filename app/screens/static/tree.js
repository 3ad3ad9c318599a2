// Dragging people and departments onto departments. What is dropped opens the page that says what
// would change; the same page is behind the button "Move", for keyboards and fingers.
let dragged = "";

export function startTree() {
  document.addEventListener("dragstart", (event) => {
    const source = event.target.closest?.("[data-drag]");
    if (!source) return;
    dragged = source.dataset.drag;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", source.innerText.trim().split("\n")[0]);
    source.classList.add("dragged");
  });
  document.addEventListener("dragover", (event) => {
    const target = targetOf(event);
    mark(target);
    if (target) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const target = targetOf(event);
    if (!target) return;
    event.preventDefault();
    location.assign(`/people/move?${dragged}&to=${target.dataset.drop}`);
  });
  document.addEventListener("dragend", () => {
    dragged = "";
    mark(null);
    for (const one of document.querySelectorAll(".dragged")) one.classList.remove("dragged");
  });
}

function targetOf(event) {
  const target = dragged ? event.target.closest?.("[data-drop]") : null;
  return target && target.dataset.drag !== dragged ? target : null;
}

function mark(target) {
  for (const one of document.querySelectorAll(".drop-here")) {
    if (one !== target) one.classList.remove("drop-here");
  }
  target?.classList.add("drop-here");
}
