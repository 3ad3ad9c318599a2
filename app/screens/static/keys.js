// Keys for those who type. Single keys rest while a field has the focus, and can be switched off.
import { closeTopFloat } from "./floats.js";
import { openPalette } from "./palette.js";
import { clearSelection, selectTo, toggleRow } from "./selection.js";

let waitsForPlace = false;

const typing = (node) => node.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
const press = (key) => document.querySelector(`[data-hotkey="${CSS.escape(key)}"]`);

function rows() {
  return [...document.querySelectorAll(".tbl tbody tr[data-href], .msgs .msg")];
}

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("cur"));
  const next = Math.min(Math.max(at + step, 0), all.length - 1);
  all.forEach((row) => row.classList.remove("cur"));
  all[next].classList.add("cur");
  all[next].scrollIntoView({ block: "nearest" });
  inList("mark", all[next]);
}

// What lists do with a key is theirs (see list/cells.js, list/peek.js); it may not be loaded yet.
function inList(what, row) {
  if (!row?.matches("#list tr")) return false;
  return !row.dispatchEvent(new CustomEvent("list-key", { bubbles: true, cancelable: true, detail: what }));
}

function open(row) {
  // A message whose record is opened counts as read.
  const link = row.querySelector("[data-reads]");
  if (link) link.click();
  else location.assign(row.dataset.href);
}

function handOver(row) {
  const button = document.querySelector(".bulk [data-bulk-key=t]");
  if (!button) return;
  if (!document.querySelector(".bulk.on") && row?.matches("tr")) toggleRow(row);
  if (document.querySelector(".bulk.on")) button.click();
}

const current = () => document.querySelector(".tbl tbody tr.cur, .msgs .msg.cur");

const single = {
  j: () => go(1),
  k: () => go(-1),
  x: () => current()?.matches("tr") && toggleRow(current()),
  X: () => current()?.matches("tr") && selectTo(current()),
  // Of the inbox: done, later. Of a list: the cell is edited.
  e: () => inList("edit", current()) || current()?.querySelector("[data-done]")?.click(),
  t: () => handOver(current()),
  " ": () => inList("peek", current()),
  ArrowRight: () => inList("right", current()),
  ArrowLeft: () => inList("left", current()),
  h: () => current()?.querySelector("details.drop summary")?.click(),
  Enter: () => inList("enter", current()) || (current()?.dataset.href && open(current())),
  "/": () => document.querySelector("[data-find]")?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
};

function onKey(event) {
  if (event.key === "Escape") {
    // A dialog closes by itself; what was chosen for it stays.
    if (!closeTopFloat() && !document.querySelector("dialog[open]")) clearSelection();
    return;
  }
  const command = event.ctrlKey || event.metaKey;
  if (command && (event.key === "Enter" || event.key.toLowerCase() === "s")) {
    // Of several forms on a page, the one somebody types in; a dialog before what lies below it.
    const form =
      event.target.closest?.("form[data-refresh], form[data-saves], form[data-inplace]") ??
      document.querySelector("dialog[open] form[data-refresh]") ??
      document.querySelector("form[data-refresh], form[data-saves]");
    if (form) {
      event.preventDefault();
      form.requestSubmit();
    }
    return;
  }
  if (command && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (command && event.key.toLowerCase() === "z" && !event.shiftKey && !typing(event.target)) {
    // What was done a moment ago is taken back, as long as its message stands.
    const undo = document.querySelector("#toasts .toast-t button");
    if (undo) event.preventDefault();
    undo?.click();
    return;
  }
  if (command || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (document.body.dataset.keys === "off") return;
  if (waitsForPlace) {
    waitsForPlace = false;
    press(`g ${event.key.toLowerCase()}`)?.click();
    return;
  }
  if (event.key.toLowerCase() === "g") {
    waitsForPlace = true;
    setTimeout(() => (waitsForPlace = false), 1200);
    return;
  }
  const button = press(event.key.toLowerCase());
  if (event.key === "n" && !button) {
    // Nothing is made on this page in particular: choose what.
    event.preventDefault();
    openPalette("> ");
    return;
  }
  const action = single[event.key];
  if (button || action) {
    // Space and Enter belong to whatever has the focus.
    if (["Enter", " "].includes(event.key) && event.target.closest("a, button, summary, input")) return;
    if (/^( |X|t|Arrow.*)$/.test(event.key) && !button && !current()) return;
    event.preventDefault();
    if (button) button.click();
    else action();
  }
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
}
