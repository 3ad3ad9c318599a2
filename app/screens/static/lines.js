// Rows inside a form: add, remove, move by mouse or with Alt and the arrows. Amounts and totals
// are worked out by the server (forms.js asks it), so the formula stands in one place.
import { refreshSoon } from "./forms.js";

function renumber(body) {
  // Positions travel as the order of the row keys.
  body.closest(".lines").querySelector("[data-order]").value = [...body.children]
    .map((row) => row.dataset.row)
    .filter(Boolean)
    .join(",");
  const form = body.closest("form[data-refresh]");
  if (form) refreshSoon(form);
}

function add(lines) {
  const body = lines.querySelector("tbody");
  const key = `n${Date.now().toString(36)}`;
  const holder = document.createElement("template");
  holder.innerHTML = lines.querySelector("template").innerHTML.replaceAll("__row__", key);
  body.append(holder.content);
  renumber(body);
  body.lastElementChild.querySelector("input:not([type=hidden]), select")?.focus();
}

function move(row, step) {
  const other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other?.dataset.row) return;
  if (step < 0) other.before(row);
  else other.after(row);
  renumber(row.parentElement);
}

function sortable(lines) {
  const body = lines.querySelector("tbody");
  if (!window.Sortable || body.dataset.sorts) return;
  body.dataset.sorts = "yes";
  window.Sortable.create(body, {
    handle: ".grip",
    draggable: "tr[data-row]",
    animation: 120,
    onEnd: () => renumber(body),
  });
}

export function startLines() {
  document.addEventListener("click", (event) => {
    const adder = event.target.closest("[data-add-line]");
    if (adder) add(document.getElementById(adder.dataset.addLine));
    const remover = event.target.closest("[data-remove-line]");
    if (remover) {
      const row = remover.closest("tr");
      const body = row.parentElement;
      row.remove();
      renumber(body);
    }
  });
  document.addEventListener("keydown", (event) => {
    const lines = event.target.closest?.(".lines");
    if (!event.altKey) return;
    if (event.key.toLowerCase() === "n") {
      const target = lines ?? document.querySelector(".lines");
      if (target) {
        event.preventDefault();
        add(target);
      }
    }
    const row = event.target.closest?.("tr[data-row]");
    if (row && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      move(row, event.key === "ArrowUp" ? -1 : 1);
      event.target.focus();
    }
  });
  document.addEventListener("pointerover", (event) => {
    const lines = event.target.closest?.(".lines");
    if (lines) sortable(lines);
  });
}
