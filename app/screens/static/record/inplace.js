// One field edited where it is read. The server gives the form's own control; Enter saves, Esc takes
// it back, and what it was stands below.
import { post, announce } from "../send.js";
import { toast } from "../toast.js";
import { freshParts, tell } from "./parts.js";

let opening = null;

const formOf = (node) => node.closest?.("[data-inplace]");

export async function open(cell) {
  if (cell.classList.contains("edits") || opening === cell) return;
  opening = cell;
  try {
    const response = await fetch(cell.dataset.edit, {
      credentials: "same-origin",
      headers: { "X-Requested-With": "fetch" },
    });
    if (!response.ok) {
      toast(document.body.dataset.wordFailed);
      return;
    }
    for (const other of document.querySelectorAll("[data-edit].edits")) close(other);
    cell.before = [...cell.childNodes];
    fill(cell, await response.text());
  } finally {
    opening = null;
  }
}

function fill(cell, html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  cell.classList.add("edits");
  cell.replaceChildren(holder.content);
  const input = cell.querySelector(
    ".control :is(input:not([type=hidden]):not([hidden]), textarea, select)",
  );
  input?.focus();
  if (input?.select && input.type !== "checkbox" && input.type !== "radio") input.select();
}

function close(cell) {
  if (!cell.before) return;
  cell.replaceChildren(...cell.before);
  cell.before = null;
  cell.classList.remove("edits");
}

async function save(form) {
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const cell = form.closest("[data-edit]");
  let response;
  try {
    response = await post(form.action, new FormData(form));
  } catch {
    delete form.dataset.sent;
    toast(document.body.dataset.wordOffline);
    return;
  }
  if (response.status === 422) {
    fill(cell, await response.text());
  } else if (response.status === 409) {
    // Somebody changed the same field meanwhile: the page that asks, field by field.
    form.removeAttribute("data-inplace");
    form.submit();
  } else if (response.ok) {
    saved(cell, await response.json());
  } else {
    delete form.dataset.sent;
    toast(document.body.dataset.wordFailed);
  }
}

async function saved(cell, said) {
  if (said.gone) {
    location.assign(said.gone);
    return;
  }
  const name = cell.dataset.edit;
  close(cell);
  if (cell.matches("td")) {
    // A cell of a list: its row is asked for anew.
    cell.dispatchEvent(new CustomEvent("cell-saved", { bubbles: true, detail: said }));
    return;
  }
  if (said.told) {
    tell({ text: said.told, undo: said.undo });
    announce(said.told);
  }
  await freshParts();
  document.querySelector(`dd[data-edit="${CSS.escape(name)}"] .pen`)?.focus({ preventScroll: true });
}

function leave(cell) {
  close(cell);
  cell.dispatchEvent(new CustomEvent("cell-left", { bubbles: true }));
  cell.querySelector(".pen")?.focus();
}

function onClick(event) {
  const back = event.target.closest?.("[data-inplace] [data-back]");
  if (back) {
    leave(back.closest("[data-edit]"));
    return;
  }
  const cell = event.target.closest?.("dd[data-edit]");
  if (!cell || formOf(event.target) || event.target.closest("a, summary, img, button:not(.pen)")) return;
  // Whoever selects text wants to copy it.
  if (!event.target.closest(".pen") && !getSelection().isCollapsed) return;
  open(cell);
}

function onKey(event) {
  const form = formOf(event.target);
  if (!form || event.defaultPrevented) return;
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    leave(form.closest("[data-edit]"));
  } else if (event.key === "Enter") {
    const many = event.target.matches("textarea");
    const command = event.ctrlKey || event.metaKey;
    if (event.target.closest("button") || (many && !command)) return;
    event.preventDefault();
    event.stopPropagation();
    form.requestSubmit();
  }
}

export function startInPlace() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.("[data-inplace]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    save(event.target);
  }, true);
}
