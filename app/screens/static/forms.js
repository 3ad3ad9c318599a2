// Forms whose fields depend on each other. The server holds the rules: after a change the whole
// form is sent, the server answers with the form as it ought to look, and only what differs is
// exchanged. What has the focus, or was typed in meanwhile, stays untouched.
import { post } from "./send.js";

const PAUSE = 350;
let timer = 0;
let running = null;
let dirty = false;

function touch(node) {
  const field = node.closest("[data-field]");
  const form = node.closest("form[data-refresh]");
  if (!field || !form) return;
  field.dataset.at = String(performance.now());
  if (!form.querySelector(`input[name="_touched"][value="${CSS.escape(field.dataset.field)}"]`)) {
    const mark = document.createElement("input");
    mark.type = "hidden";
    mark.name = "_touched";
    mark.value = field.dataset.field;
    form.append(mark);
  }
}

async function refresh(form) {
  running?.abort();
  running = new AbortController();
  const asked = performance.now();
  const body = new FormData(form);
  for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
  try {
    const response = await post(form.dataset.refresh, body, running.signal);
    if (!response.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    const fresh = holder.content.querySelector("[data-keys]");
    const old = form.querySelector("[data-keys]");
    if (fresh && old) exchange(old, fresh, asked);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

// Where an element keeps its keyed children: a row in itself, a field or section within.
const containerOf = (node) =>
  node.matches("[data-keys]") ? node : node.querySelector("[data-keys]");

function keyed(container) {
  return [...container.children].filter((child) => child.dataset.key);
}

function exchange(old, fresh, asked) {
  const before = new Map(keyed(old).map((child) => [child.dataset.key, child]));
  let last = null;
  for (const child of keyed(fresh)) {
    let mine = before.get(child.dataset.key);
    before.delete(child.dataset.key);
    if (!mine) {
      mine = child.cloneNode(true);
      if (last) last.after(mine);
      else old.prepend(mine);
    } else if (containerOf(child) && containerOf(mine)) {
      exchange(containerOf(mine), containerOf(child), asked);
      bringOuts(mine, child);
    } else if (mine.dataset.sig !== child.dataset.sig) {
      mine = replace(mine, child, asked);
    }
    last = mine;
  }
  for (const gone of before.values()) if (!gone.contains(document.activeElement)) gone.remove();
}

function replace(mine, child, asked) {
  const busy = mine.contains(document.activeElement) || Number(mine.dataset.at ?? 0) > asked;
  if (!busy) {
    const copy = child.cloneNode(true);
    mine.replaceWith(copy);
    return copy;
  }
  // The field itself is in use; what is worked out beside it can still be brought up to date.
  bringOuts(mine, child);
  return mine;
}

function bringOuts(mine, child) {
  for (const out of child.querySelectorAll("[data-out]")) {
    if (out.closest("[data-key]") !== child) continue;
    const here = mine.querySelector(`[data-out="${CSS.escape(out.dataset.out)}"]`);
    if (here) here.innerHTML = out.innerHTML;
  }
}

export function refreshSoon(form) {
  // What is on its way was asked before this change: it must not undo it.
  running?.abort();
  clearTimeout(timer);
  timer = setTimeout(() => refresh(form), PAUSE);
}

function onChange(event) {
  const form = event.target.closest?.("form[data-refresh]");
  if (!form || event.target.getAttribute?.("role") === "combobox") return;
  dirty = true;
  touch(event.target);
  const field = event.target.closest("[data-field]");
  if (form.hasAttribute("data-alive") || field?.hasAttribute("data-alive")) refreshSoon(form);
}

// A draft is over once its form was taken: the page that follows is not that form again.
function settleDraft() {
  const sent = sessionStorage.getItem("draft-sent");
  if (!sent) return;
  sessionStorage.removeItem("draft-sent");
  const again = document.querySelector("form[data-draft]");
  if (!document.querySelector(".standing, [role=alert]") && `draft:${again?.dataset.draft}` !== sent) {
    localStorage.removeItem(sent);
  }
}

function forgetDrafts() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("draft:")) localStorage.removeItem(key);
  }
}

function onSubmit(event) {
  const form = event.target;
  if (form.getAttribute("action") === "/sign-out") forgetDrafts();
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.hasAttribute("hx-post")) form.dataset.sent = "yes";
  dirty = false;
}

function upload(list, files) {
  const box = list.querySelector(".files");
  const name = list.dataset.upload;
  const sent = list.hasAttribute("data-many") ? [...files] : [...files].slice(0, 1);
  return Promise.all(
    sent.map(async (file) => {
      const body = new FormData();
      body.set("file", file);
      const response = await post(list.dataset.url, body);
      const text = await response.text();
      const row = document.createElement("template");
      row.innerHTML = text;
      if (!list.hasAttribute("data-many") && response.ok) box.replaceChildren();
      box.append(row.content);
      const count = list.parentElement.querySelector(":scope > h2 .count");
      if (count) count.textContent = box.querySelectorAll("li:not(.err)").length;
      list.dispatchEvent(new CustomEvent("uploaded", { detail: name, bubbles: true }));
    }),
  ).then(() => {
    dirty = true;
  });
}

function startDropping() {
  const over = (event) => {
    const list = event.target.closest?.("[data-upload]");
    return list && [...(event.dataTransfer?.types ?? [])].includes("Files") ? list : null;
  };
  document.addEventListener("dragover", (event) => {
    const list = over(event);
    for (const other of document.querySelectorAll(".dropping")) {
      if (other !== list) other.classList.remove("dropping");
    }
    if (!list) return;
    event.preventDefault();
    list.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.querySelector(".dropping")?.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    const list = over(event);
    if (!list) return;
    event.preventDefault();
    list.classList.remove("dropping");
    upload(list, event.dataTransfer.files);
  });
}

export function startForms() {
  settleDraft();
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.matches?.("[data-upload] input[type=file]")) {
      upload(input.closest("[data-upload]"), input.files).then(() => (input.value = ""));
    } else onChange(event);
    if (event.target.matches?.("[data-submits]")) event.target.form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-refresh]");
    if (!form || event.target.getAttribute("role") === "combobox") return;
    dirty = true;
    touch(event.target);
    if (event.target.closest(".lines")) refreshSoon(form);
  });
  startDropping();
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-leaves]")) dirty = false;
    const row = event.target.closest("[data-removes]");
    if (row) row.closest(row.dataset.removes)?.remove();
    const adder = event.target.closest("[data-adds]");
    if (adder) addRow(adder);
  });
  addEventListener("beforeunload", (event) => {
    if (dirty && document.querySelector("form[data-refresh]:not([data-kept])")) event.preventDefault();
  });
  addEventListener("pageshow", (event) => {
    // A page that comes back from the browser's memory must be able to be sent again.
    if (event.persisted) for (const form of document.forms) delete form.dataset.sent;
  });
  document.querySelector("[data-focus]")?.focus();
  document.querySelector('[role="alert"][tabindex]')?.focus();
}

function addRow(button) {
  const rows = document.getElementById(button.dataset.adds);
  const copy = rows.querySelector(":scope > template").content.cloneNode(true);
  const number = String(Date.now());
  for (const node of copy.querySelectorAll("[name], [id], [for]")) {
    for (const attribute of ["name", "id", "for"]) {
      const value = node.getAttribute(attribute);
      if (value) node.setAttribute(attribute, value.replaceAll("__n__", number));
    }
  }
  rows.append(copy);
  rows.lastElementChild.querySelector("input, select, textarea")?.focus();
}
