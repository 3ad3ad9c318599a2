// Trees: levels are fetched when they are opened; a record is hung elsewhere by dragging it, or by
// Space, the arrows and Space. The server refuses circles.
import { announce, post } from "../send.js";
import { toast } from "../toast.js";
import { carryByTouch } from "./touch.js";

const tree = () => document.querySelector("[data-tree]");
const word = (name) => tree().dataset[`word${name}`];
const nodeOf = (target) => (target.closest ? target : target.parentElement)?.closest(".tn");
const isOpen = (node) => node.getAttribute("aria-expanded") === "true";
const seen = () => [...document.querySelectorAll(".tn")].filter((one) => one.offsetParent !== null);

async function unfold(node, isOn = true) {
  if (!node?.hasAttribute("aria-expanded")) return;
  let group = node.querySelector(":scope > ul");
  if (isOn && !group) {
    const level = Number(node.getAttribute("aria-level")) + 1;
    const response = await fetch(`${node.dataset.children}&level=${level}`, { credentials: "same-origin" });
    if (!response.ok) return toast(document.body.dataset.wordFailed);
    group = document.createElement("ul");
    group.setAttribute("role", "group");
    group.innerHTML = await response.text();
    node.append(group);
    window.htmx?.process(group);
  }
  if (group) group.hidden = !isOn;
  node.setAttribute("aria-expanded", String(isOn));
}

function focus(node) {
  if (!node) return;
  document.querySelectorAll('.tn[tabindex="0"]').forEach((one) => (one.tabIndex = -1));
  node.tabIndex = 0;
  node.focus();
  node.firstElementChild.scrollIntoView({ block: "nearest" });
}

// -- hanging elsewhere ---------------------------------------------------------------------------

let held = null;

function show(place) {
  document.querySelectorAll(".to").forEach((one) => one.classList.remove("to", "no"));
  if (!held) return;
  held.place = place;
  place?.classList.add("to");
  if (place && held.node.contains(place)) place.classList.add("no");
}

function hold(node) {
  held = { node, place: null };
  node.classList.add("lifted");
  tree().classList.add("holding");
}

function release() {
  held?.node.classList.remove("lifted");
  tree()?.classList.remove("holding");
  held = null;
  show(null);
  document.querySelectorAll(".to").forEach((one) => one.classList.remove("to", "no"));
}

// The levels that are open stay open.
async function refresh(number) {
  const opened = seen().filter(isOpen).map((one) => one.dataset.node);
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("[data-tree]");
  if (!fresh) return location.reload();
  tree().replaceWith(fresh);
  window.htmx?.process(fresh);
  for (const one of opened) await unfold(document.querySelector(`.tn[data-node="${one}"]`));
  focus(document.querySelector(`.tn[data-node="${number}"]`));
}

async function hang(node, to, back = null) {
  const body = new FormData();
  for (const [name, value] of Object.entries(back ?? { to })) body.set(name, value);
  if (node.dataset.version && !back) body.set("version", node.dataset.version);
  let response;
  try {
    response = await post(`${node.dataset.href}/above`, body);
  } catch {
    toast(document.body.dataset.wordOffline);
    return;
  }
  if (response.status === 401) location.reload();
  const isJSON = response.headers.get("Content-Type")?.includes("json");
  const said = isJSON ? await response.json() : {};
  if (response.ok) {
    if (to) await unfold(document.querySelector(`.tn[data-node="${to}"]`));
    await refresh(node.dataset.node);
  }
  const box = toast(said.told ?? document.body.dataset.wordFailed);
  announce(said.told ?? "");
  if (!response.ok || !said.undo) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = word("Undo");
  button.addEventListener("click", () => {
    box.remove();
    hang(node, "", said.undo);
  });
  box.append(button);
}

function drop(node, place) {
  if (!place) return;
  if (node.contains(place)) return toast(word("Below"));
  const to = place.dataset.node ?? "";
  const above = node.parentElement.closest(".tn")?.dataset.node ?? "";
  if (to !== above) hang(node, to);
}

function letGo(place) {
  const { node } = held;
  release();
  drop(node, place);
}

const placeOf = (event) => (event.target.closest ? event.target : event.target.parentElement)?.closest(".tn, [data-top]");

document.addEventListener("dragstart", (event) => {
  const row = event.target.closest?.(".tr[draggable]");
  if (!row) return;
  event.dataTransfer.setData("text/plain", row.parentElement.dataset.title);
  event.dataTransfer.effectAllowed = "move";
  hold(row.parentElement);
});
document.addEventListener("dragover", (event) => {
  const place = placeOf(event);
  if (!held || !place) return;
  if (!held.node.contains(place)) event.preventDefault();
  if (held.place !== place) show(place);
});
document.addEventListener("drop", (event) => {
  const place = placeOf(event);
  if (!held || !place) return;
  event.preventDefault();
  letGo(place);
});
document.addEventListener("dragend", () => held && release());
carryByTouch({
  grip: (target) => target.closest?.(".tr[draggable]")?.parentElement,
  lift: hold,
  over: (target) => held && show(target?.closest(".tn, [data-top]") ?? null),
  drop: (target) => held && letGo(target?.closest(".tn, [data-top]") ?? null),
  cancel: release,
});

// -- keys ----------------------------------------------------------------------------------------

function onHeldKey(key) {
  const all = [document.querySelector("[data-top]"), ...seen()].filter(Boolean);
  if (key === "ArrowDown" || key === "ArrowUp") {
    const at = all.indexOf(held.place ?? held.node) + (key === "ArrowDown" ? 1 : -1);
    if (all[at]) {
      show(all[at]);
      all[at].scrollIntoView({ block: "nearest" });
      announce(all[at].dataset.title);
    }
  } else if (key === "ArrowRight") unfold(held.place);
  else if (key === "Escape") {
    release();
    announce(word("Dropped"));
  } else if (key === " " || key === "Enter") {
    const { node, place } = held;
    release();
    drop(node, place);
  } else return false;
  return true;
}

function onNodeKey(node, key) {
  const all = seen();
  const at = all.indexOf(node);
  if (key === "ArrowDown") focus(all[at + 1]);
  else if (key === "ArrowUp") focus(all[at - 1]);
  else if (key === "Home") focus(all[0]);
  else if (key === "End") focus(all.at(-1));
  else if (key === "ArrowRight") {
    if (isOpen(node)) focus(all[at + 1]);
    else unfold(node);
  } else if (key === "ArrowLeft") {
    if (isOpen(node)) unfold(node, false);
    else focus(node.parentElement.closest(".tn"));
  } else if (key === "Enter") location.assign(node.dataset.href);
  else if (key === " " && node.querySelector(":scope > .tr[draggable]")) {
    hold(node);
    announce(word("Picked"));
  } else return false;
  return true;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (!tree() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const handled = held ? onHeldKey(event.key) : event.target.matches?.(".tn") && onNodeKey(event.target, event.key);
    if (handled) {
      event.preventDefault();
      event.stopPropagation();
    }
  },
  true,
);

document.addEventListener("click", (event) => {
  const node = nodeOf(event.target);
  if (!node || event.target.closest("a, button")) return;
  if (event.target.closest("[data-twist]")) unfold(node, !isOpen(node));
  else focus(node);
});

const first = document.querySelector(".tn");
if (first) first.tabIndex = 0;
