// The page of one record. After something was said, saved or moved, the page is asked for again and
// its parts exchanged: what is scrolled to, typed or open elsewhere stays.
import { token } from "../send.js";
import { toast } from "../toast.js";

const page = () => document.querySelector("[data-part]");

export async function freshParts() {
  if (!page()) return;
  const response = await fetch(location.href, {
    credentials: "same-origin",
    headers: { "X-Requested-With": "fetch" },
  });
  if (!response.ok || response.redirected) {
    location.reload();
    return;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (!other || part.querySelector("dialog[open], .inplace")) continue;
    keepRelated(part, other);
    part.replaceWith(other);
    window.htmx?.process(other);
  }
  document.dispatchEvent(new CustomEvent("record-fresh"));
}

// The related lists stand until the newer ones are there.
function keepRelated(part, other) {
  const [old, fresh] = [part, other].map((one) => one.querySelector("#related"));
  if (!old || !fresh) return;
  fresh.replaceChildren(...old.childNodes);
  showTabs(other);
}

// Each list with rows has its tab, before those of files and timeline.
function showTabs(root) {
  const tabs = root.querySelector("[data-part=body] > .tabs, :scope > .tabs");
  if (!tabs) return;
  for (const tab of tabs.querySelectorAll('[href^="#related-"]')) tab.remove();
  const before = tabs.querySelector('[href="#approval"], [href="#files"], [href="#timeline"]');
  for (const list of root.querySelectorAll("#related [data-tab]")) {
    const tab = document.createElement("a");
    tab.className = "tab";
    tab.href = `#${list.id}`;
    tab.textContent = `${list.dataset.tab} `;
    const count = document.createElement("span");
    count.className = "cnt";
    count.textContent = list.dataset.count;
    tab.append(count);
    tabs.insertBefore(tab, before);
  }
}

// What was done, with a way back where there is one.
export function tell({ text, undo }) {
  const box = toast(text);
  if (!undo) return;
  const form = document.createElement("form");
  form.method = "post";
  form.action = undo.href;
  for (const [name, value] of [["csrf_token", token()], ...undo.fields]) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.append(input);
  }
  const button = document.createElement("button");
  button.textContent = undo.label;
  form.append(button);
  box.append(form);
}

function resetTalk() {
  for (const form of document.querySelectorAll("[data-talk] form")) form.reset();
  for (const note of document.querySelectorAll("[data-talk] .note")) note.remove();
}

// The phone's foot bar logs a follow-up about the record that is open.
function openTalk(event) {
  const plus = event.target.closest?.(".foot-nav .plus")?.closest("a");
  const area = document.querySelector("[data-talk] .talk-log textarea");
  if (!plus || !area) return;
  event.preventDefault();
  focusTalk();
}

// Only what scrolls by itself is scrolled: the frame around it stays where it is.
function bringIntoSight(part) {
  let box = part.parentElement;
  while (box && !/auto|scroll/.test(getComputedStyle(box).overflowY)) box = box.parentElement;
  if (!box || box === document.documentElement) return;
  box.scrollTop += part.getBoundingClientRect().top - box.getBoundingClientRect().top - 12;
}

function focusTalk() {
  const talk = document.querySelector("[data-talk]");
  const chosen = talk.querySelector('input[name="talk"]:checked')?.value;
  const area = talk.querySelector(`.talk-${chosen} textarea`);
  if (!area) return;
  bringIntoSight(talk);
  area.focus({ preventScroll: true });
}

// On a small screen the path is longer than the page: the stage the record is in comes into sight.
function showStage() {
  const on = document.querySelector(".path > .on");
  if (on) on.parentElement.scrollLeft = on.offsetLeft - on.parentElement.offsetLeft - 48;
}

export function startParts() {
  showStage();
  showTabs(document);
  document.addEventListener("record-fresh", showStage);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "related") showTabs(document);
  });
  document.addEventListener("record-told", (event) => {
    tell(event.detail);
    resetTalk();
    freshParts();
  });
  document.addEventListener("click", openTalk);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-prints]")) print();
  });
  // Choosing what to write leads to where it is written.
  document.addEventListener("click", (event) => {
    if (event.target.matches?.('[data-talk] input[name="talk"]')) focusTalk();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-talk] .pick-at input")) {
      event.target.closest(".pick-at").classList.toggle("on", Boolean(event.target.value));
    } else if (event.target.matches?.('[data-talk] input[name="next"]')) {
      event.target.form.querySelector(".pick-at")?.classList.remove("on");
    }
  });
}
