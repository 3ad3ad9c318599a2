// Why something cannot be done: a note beside what was clicked, closed by Esc or a click elsewhere.
// Whatever is refused keeps its place and its focus, so that it can be asked.
const GAP = 6;

function place(note, beside) {
  const box = beside.getBoundingClientRect();
  const { width, height } = note.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left), innerWidth - width - 8);
  const below = box.bottom + GAP;
  const top = below + height > innerHeight - 8 ? Math.max(8, box.top - height - GAP) : below;
  note.style.left = `${left}px`;
  note.style.top = `${top}px`;
}

function open(note, beside) {
  note.showPopover();
  place(note, beside);
  note.setAttribute("tabindex", "-1");
  note.focus({ preventScroll: true });
  note.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && note.contains(document.activeElement)) beside.focus();
  }, { once: true });
}

function onClick(event) {
  const button = event.target.closest?.("[data-why], [data-why-text]");
  if (!button) return;
  event.preventDefault();
  const text = button.dataset.whyText;
  const note = document.getElementById(text ? "why-text" : button.dataset.why);
  if (!note) return;
  if (text) {
    note.querySelector("h3").textContent = button.dataset.whyTitle ?? "";
    note.querySelector("p").textContent = text;
  }
  // A menu closes with the click; the note stands where its button was.
  const menu = button.closest("details.drop");
  open(note, menu ? menu.querySelector("summary") : button);
}

export function startWhy() {
  document.addEventListener("click", onClick);
}
