// For administrators: where what a page shows is written. A layer above the page, put on and off.
const WIDEST = 240;
// Where there is little room, the line alone is told.
const NARROW = 130;

let layer = null;

export async function toggleWhere(button) {
  if (layer) {
    takeOff();
    return;
  }
  const entity = /^\/crm\/([a-z0-9_]+)/.exec(location.pathname)?.[1];
  layer = document.createElement("div");
  layer.className = "where";
  document.body.append(layer);
  document.addEventListener("keydown", onEscape, true);
  addEventListener("scroll", place, true);
  addEventListener("resize", place);
  const found = entity ? await ask(entity) : null;
  if (!layer) return;
  if (!found) {
    layer.append(panelOf([], button.dataset.wordNothing, button));
    return;
  }
  for (const [node, told] of targets(found)) layer.append(tag(node, told));
  layer.append(panelOf(panelLines(found), button.dataset.wordTitle, button));
  place();
}

async function ask(entity) {
  try {
    const response = await fetch(`/setup/where?entity=${encodeURIComponent(entity)}`);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

function takeOff() {
  layer?.remove();
  layer = null;
  document.removeEventListener("keydown", onEscape, true);
  removeEventListener("scroll", place, true);
  removeEventListener("resize", place);
}

function onEscape(event) {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  takeOff();
}

// Which parts of the page are which: by what forms, lists and records say of themselves, else by
// the label people read.
function targets(found) {
  const seen = new Map();
  const add = (node, told) => node && told?.where && !seen.has(node) && seen.set(node, told);
  const field = (path) => found.fields[path] ?? found.fields[path.split(".")[0]];
  for (const node of document.querySelectorAll("#main [data-field]")) add(node, field(node.dataset.field));
  for (const node of document.querySelectorAll("#main th[data-path]")) add(node, field(node.dataset.path));
  for (const node of document.querySelectorAll("#main [data-edit]")) {
    add(node.closest("div") ?? node, field(node.dataset.edit.split("/").pop()));
  }
  for (const node of document.querySelectorAll("#main form[action*='/move/']")) {
    add(node, found.stages[node.getAttribute("action").split("/").pop()]);
  }
  for (const node of document.querySelectorAll("#main form[action*='/press/'], #main [data-rule]")) {
    add(node, found.rules[node.dataset.rule ?? node.getAttribute("action").split("/").pop()]);
  }
  const byLabel = new Map(Object.values(found.fields).map((one) => [one.label, one]));
  for (const node of document.querySelectorAll("#main dl dt")) {
    add(node.parentElement, byLabel.get(node.textContent.trim()));
  }
  const buttons = new Map(Object.values(found.rules).map((one) => [one.label, one]));
  for (const node of document.querySelectorAll("#main button, #main a.btn, #main .mi")) {
    add(node, buttons.get(node.textContent.trim()));
  }
  return seen;
}

function tag(node, told) {
  const link = document.createElement("a");
  link.className = "where-tag";
  link.href = told.href;
  link.long = told.where.split("/").pop();
  link.short = `:${told.where.split(":").pop()}`;
  link.title = [told.what, told.where].filter(Boolean).join(" · ");
  link.at = node;
  return link;
}

function place() {
  for (const link of layer?.querySelectorAll(".where-tag") ?? []) {
    const box = link.at.getBoundingClientRect();
    link.hidden = !box.width || box.bottom < 0 || box.top > innerHeight;
    link.style.left = `${Math.max(4, Math.min(box.left, innerWidth - 90))}px`;
    link.style.top = `${box.top - 4}px`;
    link.style.maxWidth = `${WIDEST}px`;
    link.textContent = box.width < NARROW ? link.short : link.long;
  }
}

function panelLines(found) {
  const lines = [found.entity, ...Object.values(found.stages), ...Object.values(found.rules)];
  const rights = found.access.map((one) => ({ label: `${one.role}: ${one.right}`, ...one }));
  return [...lines, ...rights].filter((one) => one.where);
}

function panelOf(lines, title, button) {
  const panel = document.createElement("aside");
  panel.className = "where-panel";
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", title);
  const head = document.createElement("header");
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-quiet btn-s";
  close.textContent = button.dataset.wordClose;
  close.addEventListener("click", takeOff);
  head.append(Object.assign(document.createElement("b"), { textContent: title }), close);
  const list = document.createElement("ul");
  for (const one of lines) {
    const item = document.createElement("li");
    const name = Object.assign(document.createElement("span"), { textContent: one.label });
    item.append(name, Object.assign(document.createElement("a"), { href: one.href, textContent: one.where }));
    list.append(item);
  }
  panel.append(head, list);
  setTimeout(() => close.focus(), 0);
  return panel;
}
