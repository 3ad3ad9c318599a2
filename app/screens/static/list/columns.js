// Columns of a list: their order is dragged or moved with Alt and the arrow keys, their widths are
// drawn at the edge of the head. Widths are kept on the server once the hand is let go.
import { announce, post } from "../send.js";

const NARROWEST = 48;
const WIDEST = 900;
const STEP = 16;

// -- order -------------------------------------------------------------------------------------

function dragged(event) {
  const grip = event.target.closest?.("[data-grip]");
  const item = grip?.closest("li");
  const list = item?.closest("[data-orders]");
  if (!list) return;
  event.preventDefault();
  item.classList.add("held");
  const move = (to) => {
    for (const other of list.children) {
      if (other === item) continue;
      const place = other.getBoundingClientRect();
      const middle = place.top + place.height / 2;
      const isBefore = Boolean(other.compareDocumentPosition(item) & Node.DOCUMENT_POSITION_FOLLOWING);
      if (isBefore && to.clientY < middle) {
        other.before(item);
        break;
      }
      if (!isBefore && to.clientY > middle) other.after(item);
    }
  };
  const drop = () => {
    item.classList.remove("held");
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", drop);
    removeEventListener("pointercancel", drop);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
}

function moved(event) {
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const item = event.target.closest?.("[data-orders] > li");
  if (!item) return;
  event.preventDefault();
  const up = event.key === "ArrowUp";
  const other = up ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (up) other.before(item);
  else other.after(item);
  event.target.focus();
  const all = [...item.parentElement.children];
  announce(`${item.textContent.trim()} ${all.indexOf(item) + 1}/${all.length}`);
}

// -- width -------------------------------------------------------------------------------------

// Until a width is drawn, columns are as wide as what they hold; from then on each has its own.
function fixed(table) {
  if (table.classList.contains("sized")) return [...table.querySelectorAll("col")];
  const heads = [...table.tHead.rows[0].cells];
  const widths = heads.map((head) => head.offsetWidth);
  const group = document.createElement("colgroup");
  for (const width of widths) {
    const col = document.createElement("col");
    col.width = String(width);
    group.append(col);
  }
  table.prepend(group);
  table.classList.add("sized");
  return [...group.children];
}

function resize(head, by) {
  const table = head.closest("table");
  const cols = fixed(table);
  const col = cols[head.cellIndex];
  const width = Math.min(Math.max(Number(col.width) + by, NARROWEST), WIDEST);
  col.width = String(width);
}

let later = 0;

function keep(table) {
  clearTimeout(later);
  later = setTimeout(() => {
    const cols = [...table.querySelectorAll("col")];
    const pairs = [...table.tHead.rows[0].cells]
      .filter((head) => head.dataset.path)
      .map((head) => `${head.dataset.path}:${Math.round(Number(cols[head.cellIndex].width))}`);
    const body = new FormData();
    body.set("widths", pairs.join(","));
    post(table.closest("[data-arrange]").dataset.arrange, body);
  }, 400);
}

function drawn(event) {
  const edge = event.target.closest?.("[data-sizes]");
  if (!edge) return;
  event.preventDefault();
  const head = edge.closest("th");
  const table = head.closest("table");
  let from = event.clientX;
  document.body.classList.add("sizing");
  const move = (to) => {
    resize(head, to.clientX - from);
    from = to.clientX;
  };
  const drop = () => {
    document.body.classList.remove("sizing");
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", drop);
    keep(table);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", drop);
}

function widened(event) {
  if (!event.altKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const head = event.target.closest?.(".list th[data-path]");
  if (!head) return;
  event.preventDefault();
  resize(head, event.key === "ArrowRight" ? STEP : -STEP);
  keep(head.closest("table"));
}

export function startColumns() {
  document.addEventListener("pointerdown", (event) => {
    dragged(event);
    drawn(event);
  });
  document.addEventListener("keydown", (event) => {
    moved(event);
    widened(event);
  });
  // The edge of a head is no way to sort by it.
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-sizes]")) event.preventDefault();
  });
}
