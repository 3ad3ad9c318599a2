// Menus and panels (<details class="drop">), dialogs (<dialog>) and the phone's "More" sheet.
// A click outside closes a menu, Esc closes it and gives the focus back.
function closeDrops(except) {
  for (const drop of document.querySelectorAll("details.drop[open]")) {
    if (!drop.contains(except)) drop.open = false;
  }
}

export function closeTopFloat() {
  const open = [...document.querySelectorAll("details.drop[open]")].pop();
  if (!open) return false;
  open.open = false;
  open.querySelector("summary")?.focus();
  return true;
}

function onClick(event) {
  closeDrops(event.target);
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.opens);
    if (dialog instanceof HTMLDialogElement) {
      event.preventDefault();
      if (dialog.id === "more") fillMore(dialog);
      dialog.showModal();
    }
  }
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  // A click on the veil lands on the dialog itself, one inside it lands on a child.
  if (event.target instanceof HTMLDialogElement) event.target.close();
  const peek = event.target.closest("[data-peek]");
  if (peek) togglePassword(peek);
  const copy = event.target.closest("[data-copies]");
  if (copy) copyText(copy);
}

// The phone's sheet holds what the side bar holds; it is copied when it is wanted.
function fillMore(sheet) {
  const side = document.querySelector(".side");
  const parts = [...side.children].filter((part) => part.matches("h3, a.nav-i, .side-end > a"));
  const end = [...side.querySelectorAll(".side-end > a, .side-end .menu > *")];
  sheet.replaceChildren(...[...parts, ...end].map((part) => part.cloneNode(true)));
}

function togglePassword(button) {
  const input = document.getElementById(button.dataset.peek);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
}

async function copyText(button) {
  const source = document.getElementById(button.dataset.copies);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  button.classList.add("on");
  setTimeout(() => button.classList.remove("on"), 1500);
}

function moveInMenu(event) {
  const menu = event.target.closest(".drop > .menu");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = [...menu.querySelectorAll(".mi")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  const next = (items.indexOf(document.activeElement) + step + items.length) % items.length;
  items[next].focus();
  event.preventDefault();
}

export function startFloats() {
  document.querySelector("dialog[data-shown]")?.showModal();
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", moveInMenu);
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches?.("details.drop") && event.target.open) {
        closeDrops(event.target);
        event.target.querySelector("[autofocus]")?.focus();
      }
    },
    true,
  );
}
