// Find or do: Ctrl K opens it everywhere, arrows choose, Enter goes. The server finds; here is only
// the typing. An answer that comes late is not shown over a newer one.
import { announce, word } from "./send.js";

const PAUSE = 90;
let timer = 0;
let running = null;

const dialog = () => document.querySelector("[data-palette-dialog]");
const input = () => dialog().querySelector("input");
const list = () => dialog().querySelector('[role="listbox"]');
const options = () => [...list().querySelectorAll('[role="option"]')];

function mark(index) {
  const all = options();
  all.forEach((one) => {
    one.classList.remove("on");
    one.setAttribute("aria-selected", "false");
  });
  if (!all.length) {
    input().removeAttribute("aria-activedescendant");
    return;
  }
  const one = all[(index + all.length) % all.length];
  one.classList.add("on");
  one.setAttribute("aria-selected", "true");
  one.scrollIntoView({ block: "nearest" });
  input().setAttribute("aria-activedescendant", one.id);
}

async function ask() {
  running?.abort();
  running = new AbortController();
  const typed = input().value;
  try {
    const response = await fetch(`/palette?q=${encodeURIComponent(typed)}`, {
      signal: running.signal,
      credentials: "same-origin",
    });
    if (!response.ok || response.redirected) return;
    list().innerHTML = await response.text();
    options().forEach((one, index) => (one.id = `palette-${index}`));
    mark(0);
    if (typed) announce(`${options().length} ${word("Found")}`);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

export function openPalette(typed = "") {
  const box = dialog();
  if (!box) return;
  if (!box.open) box.showModal();
  input().value = typed;
  input().focus();
  ask();
}

function onKey(event) {
  if (!event.target.closest?.("[data-palette-dialog]")) return;
  const at = options().findIndex((one) => one.classList.contains("on"));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    mark(at + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter" && event.target === input()) {
    event.preventDefault();
    options()[at]?.click();
  }
}

export function startPalette() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("input", (event) => {
    if (!event.target.closest?.("[data-palette-dialog]")) return;
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-palette]");
    if (!opener) return;
    event.preventDefault();
    openPalette(opener.dataset.palette);
  });
}
