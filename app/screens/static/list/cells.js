// Editing in the cell of a list: the field's own control, in place. Arrow keys choose the cell of the
// current row, E or a double click opens it; Enter saves, Esc takes it back (see inplace.js).
import { open } from "../record/inplace.js";
import { freshen } from "./lists.js";
import { peek } from "./peek.js";
import { announce, post } from "../send.js";
import { toast } from "../toast.js";

const heads = (row) => [...row.closest("table").tHead.rows[0].cells];

function places(row) {
  return heads(row).map((head, index) => (head.hasAttribute("data-edits") ? index : -1)).filter((n) => n >= 0);
}

const currentCell = () => document.querySelector(".tbl tr.cur td.cell-cur");

function moveCell(row, step) {
  if (!row?.matches("tr")) return;
  const all = places(row);
  if (!all.length) return;
  const now = currentCell();
  const at = now ? all.indexOf(now.cellIndex) : -1;
  const next = all[Math.min(Math.max(at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step, 0), all.length - 1)];
  now?.classList.remove("cell-cur");
  const cell = row.cells[next];
  cell.classList.add("cell-cur");
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  announce(`${heads(row)[next].textContent.trim()}: ${cell.textContent.trim()}`);
}

// The chosen column is kept when the row changes.
function markCell(row) {
  const old = document.querySelector(".tbl td.cell-cur");
  if (!old || !row.matches("tr")) return;
  old.classList.remove("cell-cur");
  row.cells[old.cellIndex]?.classList.add("cell-cur");
}

function edit(cell) {
  const row = cell.closest("tr");
  const path = heads(row)[cell.cellIndex]?.dataset.path;
  if (!row.dataset.href || !places(row).includes(cell.cellIndex)) return;
  cell.dataset.edit = `${row.dataset.href}/field/${path}`;
  cell.classList.add("edit");
  open(cell).then(() => {
    if (!cell.classList.contains("edits")) shut(cell);
  });
}

function editCell(row) {
  const cell = currentCell() ?? row?.cells[places(row)[0] ?? -1];
  if (cell) edit(cell);
}

function shut(cell) {
  cell.classList.remove("edit");
  delete cell.dataset.edit;
}

async function takeBack(id, undo) {
  const body = new FormData();
  for (const [name, value] of undo.fields) body.append(name, value);
  const response = await post(undo.href, body);
  if (!response.ok) toast(document.body.dataset.wordFailed);
  freshen([id]);
}

function onSaved(event) {
  const cell = event.target;
  const row = cell.closest("tr");
  const { told, undo } = event.detail;
  shut(cell);
  if (told) {
    const back = undo && { label: undo.label, run: () => takeBack(row.dataset.id, undo) };
    toast(told, back);
    announce(told);
  }
  freshen([row.dataset.id], cell.cellIndex);
}

const KEYS = {
  mark: markCell,
  edit: editCell,
  peek,
  right: (row) => moveCell(row, 1),
  left: (row) => moveCell(row, -1),
  enter: editCell,
};

function onKey(event) {
  const row = event.target;
  if (event.detail === "enter" && !currentCell()) return;
  event.preventDefault();
  KEYS[event.detail](row);
}

export function startCells() {
  document.addEventListener("list-key", onKey);
  document.addEventListener("dblclick", (event) => {
    const cell = event.target.closest?.("#list td.can-edit");
    if (!cell || cell.classList.contains("edit")) return;
    event.preventDefault();
    getSelection().removeAllRanges();
    edit(cell);
  });
  document.addEventListener("cell-saved", onSaved);
  document.addEventListener("cell-left", (event) => shut(event.target));
  // Whoever goes on elsewhere has decided: what was changed is saved.
  document.addEventListener("pointerdown", (event) => {
    const form = document.querySelector("#list td.edit [data-inplace]");
    if (!form || form.closest("td").contains(event.target)) return;
    const changed = [...form.elements].some(
      (one) => one.type !== "hidden" && "defaultValue" in one && one.type !== "checkbox" && one.value !== one.defaultValue,
    );
    const choices = [...form.querySelectorAll("select option")].some((one) => one.selected !== one.defaultSelected);
    if (changed || choices) form.requestSubmit();
    else form.querySelector("[data-back]").click();
  });
}
