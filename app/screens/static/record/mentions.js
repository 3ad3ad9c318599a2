// Whom a text mentions: after "@" colleagues are offered as one types; arrows choose, Enter takes.
import { post, announce, word } from "../send.js";

const PAUSE = 140;
let timer = 0;
let running = null;

const talkOf = (node) => node.closest?.("[data-mentions]");
const menu = () => document.getElementById("mentions");

// What stands between the last "@" and the caret, where that may become a name.
function typedName(area) {
  const before = area.value.slice(0, area.selectionStart);
  const found = /(?:^|[^A-Za-z0-9._-])@([^@\n]{0,30})$/.exec(before);
  return found && !/\s{2}|[,.;:!?，。；：！？]/.test(found[1]) ? found[1] : null;
}

function close() {
  const box = menu();
  if (!box) return;
  const area = document.querySelector('[aria-controls="mentions"]');
  area?.removeAttribute("aria-activedescendant");
  area?.removeAttribute("aria-controls");
  box.remove();
}

function mark(index) {
  const all = [...menu().querySelectorAll('[role="option"]')];
  all.forEach((one, at) => {
    const on = at === (index + all.length) % all.length;
    one.classList.toggle("on", on);
    one.setAttribute("aria-selected", String(on));
    if (on) document.querySelector('[aria-controls="mentions"]')?.setAttribute("aria-activedescendant", one.id);
  });
}

async function offer(area) {
  const name = typedName(area);
  if (name === null) {
    close();
    return;
  }
  running?.abort();
  running = new AbortController();
  const body = new FormData();
  body.set("_q", name.trim());
  try {
    const response = await post(talkOf(area).dataset.mentions, body, running.signal);
    if (!response.ok || response.redirected || typedName(area) !== name) return;
    show(area, await response.text());
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function show(area, html) {
  close();
  const box = document.createElement("div");
  box.id = "mentions";
  box.className = "menu mentions";
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", area.getAttribute("aria-label"));
  box.innerHTML = html;
  const options = [...box.querySelectorAll('[role="option"]')];
  if (!options.length) return;
  options.forEach((one, at) => (one.id = `mention-${at}`));
  area.after(box);
  area.setAttribute("aria-controls", "mentions");
  mark(0);
  announce(`${options.length} ${word("Found")}`);
}

function take(option) {
  const area = document.querySelector('[aria-controls="mentions"]');
  const name = typedName(area);
  const at = area.selectionStart;
  const start = at - name.length;
  area.setRangeText(`${option.dataset.title} `, start, at, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  close();
  area.focus();
}

function onKey(event) {
  const box = menu();
  if (!box || !event.target.matches?.('[aria-controls="mentions"]')) return;
  const all = [...box.querySelectorAll('[role="option"]')];
  const at = all.findIndex((one) => one.classList.contains("on"));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    mark(at + (event.key === "ArrowDown" ? 1 : -1));
  } else if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    event.stopPropagation();
    take(all[at]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close();
  }
}

export function startMentions() {
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("textarea") || !talkOf(event.target)) return;
    clearTimeout(timer);
    timer = setTimeout(() => offer(event.target), PAUSE);
  });
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest?.('#mentions [role="option"]');
    if (!option) return;
    event.preventDefault();
    take(option);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches?.('[aria-controls="mentions"]')) close();
  });
}
