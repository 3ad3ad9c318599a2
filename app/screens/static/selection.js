// Ticking rows of a list: Shift takes a range, Esc clears, the bar says how many and what can be
// done with them.
import { announce } from "./send.js";

let last = null;

const boxes = () => [...document.querySelectorAll('.tbl input[name="id"][type="checkbox"]')];

export function clearSelection() {
  const ticked = boxes().filter((box) => box.checked);
  for (const box of ticked) box.checked = false;
  show();
  return ticked.length > 0;
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
  bar.classList.toggle("on", ticked.length > 0);
  for (const place of document.querySelectorAll("[data-ticked]")) {
    place.textContent = String(ticked.length);
  }
  for (const holder of document.querySelectorAll("[data-ids]")) {
    holder.value = ticked.map((box) => box.value).join(",");
  }
  announce(bar.classList.contains("on") ? bar.getAttribute("aria-label") : "");
}

export function toggleRow(row) {
  const box = row?.querySelector('input[name="id"]');
  if (!box) return;
  box.checked = !box.checked;
  last = box;
  show();
}

export function startSelection() {
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (box.matches?.("[data-all]")) {
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
    } else {
      openRow(event);
    }
  });
}

// The whole row opens the record; links, boxes and selected text keep their own meaning.
function openRow(event) {
  const row = event.target.closest?.("tr[data-href]");
  if (!row || event.target.closest("a, button, input, label, summary")) return;
  if (String(getSelection())) return;
  if (event.metaKey || event.ctrlKey) open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
}
