// Ticking rows of a list: Shift takes a range, Esc clears, the bar says how many and what can be
// done with them. Cards of a phone show their boxes while somebody picks; a finger that is held on
// one begins it.
import { announce } from "./send.js";

let last = null;
// All records of the list are meant, also those that are not loaded.
let everything = false;
let opening = 0;

const HOLD = 450;
const SLACK = 8;

const boxes = () => [...document.querySelectorAll('.tbl input[name="id"][type="checkbox"]')];

export function clearSelection() {
  const ticked = boxes().filter((box) => box.checked);
  for (const box of ticked) box.checked = false;
  everything = false;
  pick(false);
  show();
  return ticked.length > 0;
}

const picks = () => document.body.classList.contains("picking");

function pick(on) {
  document.body.classList.toggle("picking", on);
  document.querySelector("[data-picks]")?.setAttribute("aria-pressed", String(on));
}

// A finger that stays where it is takes the card it is on; one that moves scrolls, as ever.
function startHolding() {
  let timer = 0;
  let at = null;
  let hasTaken = false;
  const end = () => {
    clearTimeout(timer);
    at = null;
  };
  document.addEventListener("pointerdown", (event) => {
    hasTaken = false;
    const row = event.pointerType === "touch" ? event.target.closest?.(".tbl.cards tr[data-href]") : null;
    if (!row?.querySelector('input[name="id"]') || picks() || !document.querySelector(".bulk")) return;
    at = { x: event.clientX, y: event.clientY };
    timer = setTimeout(() => {
      hasTaken = true;
      pick(true);
      toggleRow(row);
      navigator.vibrate?.(10);
    }, HOLD);
  });
  document.addEventListener("pointermove", (event) => {
    if (at && Math.hypot(event.clientX - at.x, event.clientY - at.y) > SLACK) end();
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, end);
  for (const name of ["contextmenu", "click"]) {
    document.addEventListener(name, (event) => {
      if (!hasTaken) return;
      if (name === "click") hasTaken = false;
      event.preventDefault();
      event.stopImmediatePropagation();
    }, true);
  }
}

function show() {
  const all = boxes();
  const ticked = all.filter((box) => box.checked);
  for (const box of all) box.closest("tr").classList.toggle("sel", box.checked);
  const head = document.querySelector("[data-all]");
  if (head) {
    head.checked = ticked.length > 0 && ticked.length === all.length;
    head.indeterminate = ticked.length > 0 && ticked.length < all.length;
  }
  const bar = document.querySelector(".bulk");
  if (!bar) return;
  if (bar.classList.toggle("on", ticked.length > 0) && ticked.length === 1) bar.scrollLeft = 0;
  const whole = bar.querySelector("[data-selects-all]");
  if (ticked.length < all.length) everything = false;
  if (whole) whole.hidden = everything;
  for (const place of document.querySelectorAll("[data-ticked]")) {
    place.textContent = everything ? whole.dataset.count : String(ticked.length);
  }
  for (const mark of document.querySelectorAll("[data-everything]")) {
    mark.value = everything ? "yes" : "";
  }
  for (const holder of document.querySelectorAll("[data-ids]")) {
    holder.value = ticked.map((box) => box.value).join(",");
  }
  announce(bar.classList.contains("on") ? bar.getAttribute("aria-label") : "");
}

// Everything between the row that was chosen last and this one.
export function selectTo(row) {
  const box = row?.querySelector('input[name="id"]');
  if (!box) return;
  const all = boxes();
  const [from, to] = [last ? all.indexOf(last) : all.indexOf(box), all.indexOf(box)].sort((a, b) => a - b);
  for (const one of all.slice(Math.max(from, 0), to + 1)) one.checked = true;
  last = box;
  show();
}

export function toggleRow(row) {
  const box = row?.querySelector('input[name="id"]');
  if (!box) return;
  box.checked = !box.checked;
  last = box;
  show();
}

export function startSelection() {
  startHolding();
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (box.closest?.("[data-picks]")) {
      if (picks()) clearSelection();
      else pick(true);
    } else if (box.matches?.("[data-all]")) {
      for (const one of boxes()) one.checked = box.checked;
      show();
    } else if (box.matches?.('.tbl input[name="id"]')) {
      if (event.shiftKey && last) {
        const all = boxes();
        const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
        for (const one of all.slice(from, to + 1)) one.checked = box.checked;
      }
      last = box;
      show();
    } else if (event.target.closest("[data-clear-selection]")) {
      clearSelection();
    } else if (event.target.closest("[data-selects-all]")) {
      for (const one of boxes()) one.checked = true;
      everything = true;
      show();
    } else {
      openRow(event);
    }
  });
}

// The whole row opens the record; links, boxes and selected text keep their own meaning.
function openRow(event) {
  const row = event.target.closest?.("tr[data-href]");
  if (row && picks() && !event.target.closest("button, input, label, summary")) {
    event.preventDefault();
    toggleRow(row);
    return;
  }
  if (!row || event.target.closest("a, button, input, label, summary")) return;
  if (String(getSelection())) return;
  if (event.metaKey || event.ctrlKey) open(row.dataset.href, "_blank", "noopener");
  else if (event.target.closest("td.can-edit")) {
    // A second click would edit the cell.
    clearTimeout(opening);
    if (event.detail < 2) opening = setTimeout(() => location.assign(row.dataset.href), 260);
  } else location.assign(row.dataset.href);
}
