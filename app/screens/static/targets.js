// The grid of targets: arrow keys, sums while one types, pasting from a spreadsheet. Without it the
// form still saves; only what was changed is sent.
const form = document.querySelector("[data-grid]");

const numberOf = (text) => {
  const plain = text.replace(/[\s,\u00a0\u202f_，]/g, "");
  return plain === "" ? null : Number(plain);
};
const shown = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 2 });
const columnsOf = (row) => [...row.querySelectorAll("td input, td.fix")];

function sums(row) {
  const cells = [...row.cells];
  let quarter = null;
  let year = null;
  const add = (sum, value) => (value === null || Number.isNaN(value) ? sum : (sum ?? 0) + value);
  for (const cell of cells) {
    if (cell.hasAttribute("data-year")) cell.textContent = year === null ? "" : shown(year);
    else if (cell.hasAttribute("data-quarter")) {
      cell.textContent = quarter === null ? "" : shown(quarter);
      quarter = null;
    } else if (cell.tagName === "TD") {
      const value = numberOf(cell.querySelector("input")?.value ?? cell.textContent);
      quarter = add(quarter, value);
      year = add(year, value);
    }
  }
}

function look(input) {
  const value = numberOf(input.value);
  input.setCustomValidity(value !== null && (Number.isNaN(value) || value < 0) ? "0 …" : "");
  input.classList.toggle("changed", input.value !== input.defaultValue);
  sums(input.closest("tr"));
}

function goTo(input, down, right) {
  const rows = [...form.querySelectorAll("tbody tr")];
  let at = rows.indexOf(input.closest("tr"));
  let column = columnsOf(rows[at]).indexOf(input);
  for (;;) {
    at += down;
    column += right;
    const cell = rows[at] && columnsOf(rows[at])[column];
    if (!cell) return false;
    if (cell.tagName === "INPUT") {
      cell.focus();
      cell.select();
      return true;
    }
  }
}

const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function onKey(event) {
  const input = event.target;
  if (input.tagName !== "INPUT" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && input.value !== input.defaultValue) {
    input.value = input.defaultValue;
    look(input);
    return;
  }
  const step = steps[event.key];
  if (!step) return;
  const all = input.selectionStart === 0 && input.selectionEnd === input.value.length;
  const atStart = input.selectionEnd === 0;
  const atEnd = input.selectionStart === input.value.length;
  if (event.key === "ArrowLeft" && !all && !atStart) return;
  if (event.key === "ArrowRight" && !all && !atEnd) return;
  event.preventDefault();
  goTo(input, step[0] * (event.shiftKey && event.key === "Enter" ? -1 : 1), step[1]);
}

function onPaste(event) {
  const text = event.clipboardData.getData("text");
  if (!/[\t\n]/.test(text.trim())) return;
  event.preventDefault();
  const rows = [...form.querySelectorAll("tbody tr")];
  const top = rows.indexOf(event.target.closest("tr"));
  const left = columnsOf(rows[top]).indexOf(event.target);
  text.replace(/\r/g, "").replace(/\n$/, "").split("\n").forEach((line, down) => {
    line.split("\t").forEach((value, right) => {
      const cell = rows[top + down] && columnsOf(rows[top + down])[left + right];
      if (cell?.tagName !== "INPUT") return;
      cell.value = value.trim();
      look(cell);
    });
  });
}

const changed = () => [...form.querySelectorAll("tbody input")].filter((one) => one.value !== one.defaultValue);

if (form) {
  form.addEventListener("keydown", onKey);
  form.addEventListener("paste", onPaste);
  form.addEventListener("input", (event) => look(event.target));
  form.addEventListener("focusin", (event) => event.target.matches("tbody input") && event.target.select());
  let leaving = false;
  form.addEventListener("submit", () => {
    leaving = true;
    const kept = new Set(changed());
    form.querySelectorAll("tbody input").forEach((one) => { one.disabled = !kept.has(one); });
  });
  addEventListener("pageshow", () => form.querySelectorAll("tbody input").forEach((one) => { one.disabled = false; }));
  addEventListener("beforeunload", (event) => {
    if (!leaving && changed().length) event.preventDefault();
  });
}
