// Calendars: a record is dragged to another day (and hour), or carried there by Space and the
// arrows. The server moves it; the calendar is then asked again, as it stands.
import { announce, post } from "../send.js";
import { toast } from "../toast.js";
import { carryByTouch } from "./touch.js";

const calendar = () => document.querySelector("[data-calendar]");
const word = (name) => calendar().dataset[`word${name}`];
const isSeen = (node) => node.offsetParent !== null;

// What is moved, and the place it is held over.
let held = null;

function show(place) {
  document.querySelectorAll("[data-drop].to").forEach((one) => one.classList.remove("to"));
  if (held) held.place = place;
  place?.classList.add("to");
}

function release() {
  held?.chip.classList.remove("lifted");
  held = null;
  show(null);
}

async function refresh() {
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const [old, fresh] = [document.querySelector("[data-calendar]"), page.querySelector("[data-calendar]")];
  const tops = [...old.querySelectorAll(".cal-scroll")].map((one) => one.scrollTop);
  if (fresh) old.replaceWith(fresh);
  [...document.querySelectorAll(".cal-scroll")].forEach((one, n) => (one.scrollTop = tops[n] ?? 0));
}

async function send(moves, values, isUndo = false) {
  const body = new FormData();
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  let response;
  try {
    response = await post(moves, body);
  } catch {
    toast(document.body.dataset.wordOffline);
    return;
  }
  if (response.status === 401) location.reload();
  const isJSON = response.headers.get("Content-Type")?.includes("json");
  const said = isJSON ? await response.json() : {};
  if (!response.ok) {
    toast(said.told ?? document.body.dataset.wordFailed);
    announce(said.told ?? "");
    return;
  }
  if (!said.told) return;
  await refresh();
  [...document.querySelectorAll("[data-event]")].find((one) => one.dataset.moves === moves && isSeen(one))?.focus();
  const box = toast(said.told);
  announce(said.told);
  if (isUndo || !said.undo) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = word("Undo");
  button.addEventListener("click", () => {
    box.remove();
    send(moves, said.undo, true);
  });
  box.append(button);
}

function drop(chip, place) {
  const { drop: day, hour } = place.dataset;
  const home = chip.closest("[data-drop]");
  if (place === home) return;
  const values = { day, from: chip.dataset.day, version: chip.dataset.version };
  // Only what has an hour now gets another one.
  if (hour && home.dataset.hour) values.hour = hour;
  send(chip.dataset.moves, values);
}

function lift(chip) {
  held = { chip, place: null };
  chip.classList.add("lifted");
}

function letGo(place) {
  const { chip } = held;
  release();
  if (place) drop(chip, place);
}

const placeOf = (event) => (event.target.closest ? event.target : event.target.parentElement)?.closest("[data-drop]");

document.addEventListener("dragstart", (event) => {
  const chip = event.target.closest?.("[data-event][draggable]");
  if (!chip) return;
  event.dataTransfer.setData("text/plain", chip.dataset.title);
  event.dataTransfer.effectAllowed = "move";
  lift(chip);
});
document.addEventListener("dragover", (event) => {
  const place = placeOf(event);
  if (!held || !place) return;
  event.preventDefault();
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
  grip: (target) => target.closest?.("[data-event][draggable]"),
  lift,
  over: (target) => held && show(target?.closest("[data-drop]") ?? null),
  drop: (target) => held && letGo(target?.closest("[data-drop]") ?? null),
  cancel: release,
});

// -- by keyboard ---------------------------------------------------------------------------------

function places() {
  return [...document.querySelectorAll("[data-drop]")].filter(isSeen);
}

function focus(chip) {
  if (!chip) return;
  document.querySelectorAll('[data-event][tabindex="0"]').forEach((one) => (one.tabIndex = -1));
  chip.tabIndex = 0;
  chip.focus();
}

// Left and right go a day, up and down a row: a week of a month, an hour of a week.
const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function beside(place, [x, y]) {
  if (!place.matches("td")) {
    const all = places();
    return all[all.indexOf(place) + (x || y)];
  }
  const row = place.parentElement;
  const cells = [...row.querySelectorAll("td[data-drop]")];
  const at = cells.indexOf(place) + x;
  if (y) return (y > 0 ? row.nextElementSibling : row.previousElementSibling)?.querySelectorAll("td[data-drop]")[at];
  if (cells[at]) return cells[at];
  const next = x > 0 ? row.nextElementSibling : row.previousElementSibling;
  return place.dataset.hour ? null : [...(next?.querySelectorAll("td[data-drop]") ?? [])].at(x > 0 ? 0 : -1);
}

function onHeldKey(key) {
  if (steps[key]) {
    const next = beside(held.place, steps[key]);
    if (next) {
      show(next);
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
      announce(next.dataset.label);
    }
    return true;
  }
  if (![" ", "Enter", "Escape"].includes(key)) return false;
  const { chip, place } = held;
  release();
  if (key === "Escape") announce(word("Dropped"));
  else drop(chip, place);
  return true;
}

function onChipKey(chip, key) {
  if (key === " " && chip.draggable) {
    lift(chip);
    show(chip.closest("[data-drop]"));
    announce(word("Picked"));
  } else if (key === "ArrowDown" || key === "ArrowUp" || key === "ArrowRight" || key === "ArrowLeft") {
    const all = [...document.querySelectorAll("[data-event]")].filter(isSeen);
    focus(all[all.indexOf(chip) + (key === "ArrowDown" || key === "ArrowRight" ? 1 : -1)]);
  } else if (key === "Enter") chip.querySelector("a").click();
  else return false;
  return true;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (!calendar() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    let handled = false;
    if (held && !held.chip.matches(":hover:active")) handled = onHeldKey(event.key);
    else if (event.target.matches?.("[data-event]")) handled = onChipKey(event.target, event.key);
    else if (event.target.matches?.(".cal-scroll, .cal-agenda") && event.key.startsWith("Arrow")) {
      const first = [...document.querySelectorAll("[data-event]")].find(isSeen);
      if (first) focus(first);
      handled = Boolean(first);
    }
    if (handled) {
      event.preventDefault();
      event.stopPropagation();
    }
  },
  true,
);

// A click on what is empty of a day makes a record for it.
document.addEventListener("click", (event) => {
  const place = event.target.closest?.("td[data-drop]");
  if (!place || event.target.closest("a, button, [data-event]")) {
    const chip = event.target.closest?.("[data-event]");
    if (chip && !event.target.closest("a")) chip.querySelector("a").click();
    return;
  }
  const column = [...place.parentElement.children].indexOf(place);
  const there = document.querySelector(`.cal-agenda section[data-drop="${place.dataset.drop}"]`);
  if (there && isSeen(there)) {
    // On a small screen the table is for choosing a day of the list below.
    there.scrollIntoView({ block: "start" });
    return;
  }
  const link = place.querySelector(".cal-new") ?? place.closest("table").tHead?.rows[0].children[column]?.querySelector(".cal-new");
  if (!link) return;
  const url = new URL(link.href, location.href);
  const name = [...url.searchParams.keys()][0];
  if (place.dataset.hour && url.searchParams.get(name)) url.searchParams.set(name, `${place.dataset.drop}T${place.dataset.hour.padStart(2, "0")}:00`);
  location.assign(url);
});

// A week on a small screen is a list: begin with today.
if (![...document.querySelectorAll("table.cal")].some(isSeen)) document.querySelector(".m-agenda section.now")?.scrollIntoView();
