// A field that points at records or people: type, the server searches, arrows choose, Enter takes.
// The form's other values travel along, because `where:` may depend on them.
import { post, announce, word } from "./send.js";

const PAUSE = 160;
let timer = 0;
let running = null;

const boxOf = (node) => node.closest?.(".picker");
const inputOf = (box) => box.querySelector('[role="combobox"]');
const menuOf = (box) => box.querySelector('[role="listbox"]');

function show(box, open) {
  menuOf(box).hidden = !open;
  inputOf(box).setAttribute("aria-expanded", String(open));
  if (!open) inputOf(box).removeAttribute("aria-activedescendant");
}

async function search(box) {
  running?.abort();
  running = new AbortController();
  const form = box.closest("form");
  const body = form ? new FormData(form) : new FormData();
  for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
  const input = inputOf(box);
  body.set("_q", input.value === input.dataset.title ? "" : input.value);
  try {
    const response = await post(box.dataset.search, body, running.signal);
    if (!response.ok) return;
    menuOf(box).innerHTML = await response.text();
    menuOf(box).querySelectorAll('[role="option"]').forEach((option, index) => {
      option.id = `${menuOf(box).id}-${index}`;
    });
    show(box, true);
    mark(box, 0);
    announce(`${menuOf(box).querySelectorAll('[role="option"]').length} ${word("Found")}`);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function mark(box, index) {
  const options = [...menuOf(box).querySelectorAll('[role="option"]:not([aria-disabled])')];
  options.forEach((option) => {
    option.classList.remove("on");
    option.setAttribute("aria-selected", "false");
  });
  if (!options.length) return;
  const option = options[(index + options.length) % options.length];
  option.classList.add("on");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  inputOf(box).setAttribute("aria-activedescendant", option.id);
}

function take(box, option) {
  if (box.hasAttribute("data-many")) addChosen(box, option.dataset.id, option.dataset.title);
  else setOne(box, option.dataset.id, option.dataset.title);
  show(box, false);
  changed(box);
}

function setOne(box, id, title) {
  box.querySelector('input[type="hidden"]').value = id;
  const input = inputOf(box);
  input.value = title;
  input.dataset.title = title;
  const clear = box.querySelector(".clear");
  if (clear) clear.hidden = !id;
}

function addChosen(box, id, title) {
  const list = box.querySelector(".chosen") ?? box.previousElementSibling;
  if (list.querySelector(`input[value="${CSS.escape(id)}"]`)) return;
  const tag = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const [number, words] = tag.querySelectorAll("input");
  number.value = id;
  words.value = title;
  tag.querySelector(".name").textContent = title;
  list.append(tag);
  inputOf(box).value = "";
}

// What was made for a picker is chosen in it.
export function chooseIn(box, id, title) {
  if (box.hasAttribute("data-many")) addChosen(box, id, title);
  else setOne(box, id, title);
  show(box, false);
  changed(box);
  inputOf(box).focus();
}

function changed(box) {
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function onKey(event) {
  const box = boxOf(event.target);
  if (!box || event.target.getAttribute("role") !== "combobox") return;
  const options = [...menuOf(box).querySelectorAll('[role="option"]:not([aria-disabled])')];
  const at = options.findIndex((option) => option.classList.contains("on"));
  const open = !menuOf(box).hidden;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (!open) search(box);
    else mark(box, at + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter" && open) {
    event.preventDefault();
    if (options[at]) take(box, options[at]);
  } else if (event.key === "Escape" && open) {
    event.preventDefault();
    event.stopPropagation();
    show(box, false);
  } else if (event.key === "Backspace" && !event.target.value && box.hasAttribute("data-many")) {
    (box.querySelector(".chosen") ?? box.previousElementSibling)?.lastElementChild?.remove();
    changed(box);
  }
}

function leave(box) {
  show(box, false);
  const input = inputOf(box);
  if (box.hasAttribute("data-many")) {
    input.value = "";
  } else if (!input.value.trim()) {
    const had = box.querySelector('input[type="hidden"]').value;
    setOne(box, "", "");
    if (had) changed(box);
  } else {
    // Half a word is not a choice: what was chosen before stands.
    input.value = input.dataset.title ?? "";
  }
}

export function startPickers() {
  document.addEventListener("input", (event) => {
    const box = boxOf(event.target);
    if (!box || event.target.getAttribute("role") !== "combobox") return;
    clearTimeout(timer);
    timer = setTimeout(() => search(box), PAUSE);
  });
  document.addEventListener("click", (event) => {
    const box = boxOf(event.target);
    const option = event.target.closest('.picker [role="option"]');
    if (option && !option.hasAttribute("aria-disabled")) {
      take(box, option);
      inputOf(box).focus();
    } else if (box && event.target.closest(".clear")) {
      setOne(box, "", "");
      inputOf(box).focus();
      changed(box);
    } else if (box && event.target.getAttribute("role") === "combobox" && menuOf(box).hidden) {
      search(box);
    }
    const drop = event.target.closest(".chosen button");
    if (drop) {
      const holder = drop.closest("[data-key], form");
      drop.closest(".tag").remove();
      holder?.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  // The option must not take the focus, or the field would close before the click arrives.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest('.picker [role="listbox"]')) event.preventDefault();
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("focusout", (event) => {
    const box = boxOf(event.target);
    if (box && event.target.getAttribute("role") === "combobox") leave(box);
  });
}
