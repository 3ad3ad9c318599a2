// The work bench: rows walked by J and K, a follow-up opened by L, a task ticked by D, put off by H.
// The server gives the whole bench back after each act; the place one was at is kept.
import { toast } from "./toast.js";
import { token } from "./send.js";

let at = 0;

const bench = () => document.querySelector("[data-bench]");
const rows = () => [...document.querySelectorAll("[data-bench] .task")];
const current = () => document.querySelector("[data-bench] .task.cur");
const typing = (node) => node.closest?.("input, textarea, select, [contenteditable]");

function go(index) {
  const all = rows();
  if (!all.length) return;
  at = Math.min(Math.max(index, 0), all.length - 1);
  all.forEach((row) => row.classList.remove("cur"));
  all[at].classList.add("cur");
  all[at].scrollIntoView({ block: "nearest" });
}

function close(holder) {
  holder.replaceChildren();
  holder.previousElementSibling.classList.remove("open");
}

function openLog(row) {
  const holder = row.nextElementSibling;
  if (holder.childElementCount) close(holder);
  else row.querySelector("[data-log]")?.click();
}

const keys = {
  j: () => go(current() ? at + 1 : 0),
  k: () => go(at - 1),
  l: () => current() && openLog(current()),
  d: () => current()?.querySelector("[data-done]")?.click(),
  h: () => current()?.querySelector("[data-later] summary")?.click(),
  Enter: () => current() && location.assign(current().dataset.href),
};

function onKey(event) {
  const form = event.target.closest?.("[data-composer]");
  if (form && event.key === "Escape" && form.closest("[data-bench]")) {
    close(form.closest(".task-c"));
    return;
  }
  if (!bench() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.body.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// What was done, with a way back: the values from before are sent to the same row.
function tell({ text, undo }) {
  const box = toast(text);
  if (!undo || !box) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = undo.label;
  button.addEventListener("click", () => {
    box.remove();
    window.htmx.ajax("POST", undo.href, {
      target: "#bench",
      swap: "outerHTML",
      values: undo.fields,
      headers: { "X-CSRFToken": token() },
    });
  });
  box.append(button);
}

function onSettled(event) {
  const form = event.target.querySelector?.("[data-composer]");
  if (form && form.closest(".task-c")) {
    form.closest(".task-c").previousElementSibling?.classList.add("open");
    form.querySelector("textarea").focus();
  } else if (event.target.id === "bench" && rows().length) go(at);
}

export function startBench() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.("[data-bench] .task");
    if (!row) return;
    rows().forEach((one) => one.classList.remove("cur"));
    row.classList.add("cur");
    at = rows().indexOf(row);
  });
  // A picked moment and a chip exclude each other.
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("[data-composer]");
    if (!form) return;
    const pick = form.elements.namedItem("pick");
    if (event.target.name === "next" && pick) pick.value = "";
    if (event.target.name === "pick") {
      form.querySelectorAll('input[name="next"]').forEach((one) => (one.checked = false));
    }
  });
  document.addEventListener("htmx:afterSettle", onSettled);
  document.addEventListener("bench-told", (event) => tell(event.detail));
  // A refusal gives the form again, beside what was typed.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const form = event.detail.elt?.closest?.("[data-composer]");
    if (form && event.detail.xhr.status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
      event.detail.target = form;
    }
  });
}
