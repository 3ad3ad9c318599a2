// Boards: a card is dragged into another column, or carried there by Space and the arrows, or sent
// by its own menu. The server says beforehand which columns take it, and does the move.
import { announce, post, token } from "../send.js";
import { toast } from "../toast.js";

const board = () => document.querySelector("[data-board]");
const lane = (name) => document.getElementById(`lane-${name}`);
const laneNames = () => [...document.querySelectorAll("[data-lane-name]")].map((one) => one.dataset.laneName);
const cardsOf = (section) => [...(section?.querySelectorAll(".kc") ?? [])];
const word = (name) => board().dataset[`word${name}`];

// What is moved now: the card, which columns take it, and the one it is held over.
let held = null;

async function lanesFor(card) {
  const url = `${board().dataset.moves}${card.dataset.card}/lanes?by=${encodeURIComponent(board().dataset.board)}`;
  const response = await fetch(url, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
  return response.ok ? (await response.json()).lanes : {};
}

function verdict(name) {
  if (name === held.card.dataset.lane) return { ok: false, why: word("Here") };
  // Until the answer is there every column may be tried: the server refuses what must be.
  if (!held.lanes) return { ok: true, why: "" };
  return held.lanes[name] ?? { ok: false, why: "" };
}

// Columns that refuse are marked, with the reason below their name.
function mark() {
  for (const name of laneNames()) {
    const section = lane(name);
    const said = held ? verdict(name) : null;
    const isHome = held && name === held.card.dataset.lane;
    section.classList.toggle("may", Boolean(held?.lanes && said?.ok));
    section.classList.toggle("no", Boolean(held?.lanes && said && !said.ok && !isHome));
    section.classList.toggle("to", held?.over === name && !isHome);
    const why = section.querySelector(".lane-why");
    if (!why) continue;
    why.textContent = !held || isHome ? "" : said.ok ? (said.asks ? `${word("Asks")} ${said.asks}` : "") : said.why;
    why.hidden = !why.textContent;
  }
}

function hold(card) {
  held = { card, lanes: null, over: card.dataset.lane };
  const mine = held;
  card.classList.add("lifted");
  lanesFor(card).then((lanes) => {
    if (held !== mine) return;
    held.lanes = lanes;
    mark();
  });
  mark();
}

function release() {
  held?.card.classList.remove("lifted", "away");
  held = null;
  mark();
}

// -- the move ------------------------------------------------------------------------------------

async function send(card, to, more = new FormData()) {
  more.set("by", board().dataset.board);
  more.set("to", to);
  more.set("csrf_token", token());
  if (card.dataset.version) more.set("version", card.dataset.version);
  const url = `${board().dataset.moves}${card.dataset.card}/lane?${board().dataset.query}`;
  let response;
  try {
    response = await post(url, more);
  } catch {
    toast(document.body.dataset.wordOffline);
    return;
  }
  if (response.status === 401) location.reload();
  const isJSON = response.headers.get("Content-Type")?.includes("json");
  const said = isJSON ? await response.json() : {};
  if (said.dialog) ask(card, to, said.dialog);
  else if (response.ok) put(card, said);
  else {
    toast(said.told ?? document.body.dataset.wordFailed);
    announce(said.told ?? "");
  }
}

function putHeads(said) {
  for (const [name, { count, total }] of Object.entries(said.lanes)) {
    for (const one of document.querySelectorAll(`[data-count="${CSS.escape(name)}"]`)) one.textContent = count;
    for (const one of document.querySelectorAll(`[data-total="${CSS.escape(name)}"]`)) {
      one.textContent = total && one.closest(".vt") ? ` · ${total}` : total;
    }
  }
  const all = document.getElementById("count");
  if (all) all.textContent = said.summary;
}

// A large table is added up while its cards are looked at already.
async function addUp(url) {
  const response = await fetch(url).catch(() => null);
  if (response?.ok) putHeads(await response.json());
  else for (const one of document.querySelectorAll("[data-count]")) one.textContent = "–";
}

function put(card, said) {
  document.querySelector("#move-ask dialog")?.close();
  const list = lane(said.to)?.querySelector(".kl");
  const fresh = document.createElement("template");
  fresh.innerHTML = said.card;
  const now = fresh.content.firstElementChild;
  card.remove();
  if (list && now) {
    list.prepend(now);
    list.scrollTop = 0;
    focus(now);
  }
  putHeads(said);
  const box = toast(said.told);
  announce(said.told);
  if (said.undo && now) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word("Undo");
    button.addEventListener("click", () => {
      box.remove();
      const back = new FormData();
      for (const [name, value] of Object.entries(said.undo)) back.set(name, value);
      send(now, "", back);
    });
    box.append(button);
  }
}

// What the move needs is asked in a dialog; it sends to the same place.
function ask(card, to, html) {
  const place = document.getElementById("move-ask");
  place.innerHTML = html;
  window.htmx?.process(place);
  const dialog = place.querySelector("dialog");
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const sent = new FormData(event.target);
    sent.set("asked", "1");
    send(card, to, sent);
  });
  dialog.showModal();
  dialog.querySelector("select, textarea, input:not([type=hidden])")?.focus();
}

// -- by mouse ------------------------------------------------------------------------------------

function onDragStart(event) {
  const card = event.target.closest?.(".kc[draggable]");
  if (!card) return;
  event.dataTransfer.setData("text/plain", card.dataset.title);
  event.dataTransfer.effectAllowed = "move";
  hold(card);
  requestAnimationFrame(() => card.classList.add("away"));
}

// What a drag is over may be a text.
const over = (event) => (event.target.closest ? event.target : event.target.parentElement)?.closest("[data-lane-name]");

function onDragOver(event) {
  const section = over(event);
  if (!held || !section) return;
  // A column that refuses is no place to drop; the pointer shows it.
  if (verdict(section.dataset.laneName).ok) {
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
  }
  if (held.over !== section.dataset.laneName) {
    held.over = section.dataset.laneName;
    mark();
  }
}

function onDrop(event) {
  const section = over(event);
  if (!held || !section) return;
  event.preventDefault();
  const { card } = held;
  const may = verdict(section.dataset.laneName).ok;
  release();
  if (may) send(card, section.dataset.laneName);
}

// -- by keyboard ---------------------------------------------------------------------------------

function focus(card) {
  if (!card) return;
  document.querySelectorAll('.kc[tabindex="0"]').forEach((one) => (one.tabIndex = -1));
  card.tabIndex = 0;
  card.focus();
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function besides(step) {
  const names = laneNames();
  let at = names.indexOf(held.over) + step;
  // Refusing columns are stepped over once it is known which they are.
  while (held.lanes && at >= 0 && at < names.length && !verdict(names[at]).ok && names[at] !== held.card.dataset.lane) at += step;
  if (at < 0 || at >= names.length) return;
  held.over = names[at];
  const section = lane(names[at]);
  section.scrollIntoView({ block: "nearest", inline: "nearest" });
  mark();
  const { asks } = verdict(names[at]);
  announce(`${section.getAttribute("aria-label")}${asks ? `. ${word("Asks")} ${asks}` : ""}`);
}

function walk(card, key) {
  const section = card.closest("[data-lane-name]");
  const all = cardsOf(section);
  const at = all.indexOf(card);
  if (key === "ArrowDown") focus(all[at + 1]);
  else if (key === "ArrowUp") focus(all[at - 1]);
  else {
    const names = laneNames();
    const step = key === "ArrowRight" ? 1 : -1;
    for (let n = names.indexOf(section.dataset.laneName) + step; n >= 0 && n < names.length; n += step) {
      const there = cardsOf(lane(names[n]));
      if (there.length) return focus(there[Math.min(at, there.length - 1)]);
    }
  }
}

function onKey(event) {
  if (!board() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches?.(".kl") && ["ArrowDown", "ArrowRight", "ArrowLeft", "Enter"].includes(event.key)) {
    focus(cardsOf(event.target.closest("[data-lane-name]"))[0]);
    event.preventDefault();
    return;
  }
  const card = event.target.matches?.(".kc") ? event.target : null;
  if (!card) return;
  const handled = held ? onHeldKey(event.key) : onCardKey(card, event.key);
  if (handled) {
    event.preventDefault();
    event.stopPropagation();
  }
}

function onHeldKey(key) {
  if (key === "ArrowRight") besides(1);
  else if (key === "ArrowLeft") besides(-1);
  else if (key === "Escape") {
    announce(word("Dropped"));
    release();
  } else if (key === " " || key === "Enter") {
    const { card, over } = held;
    const may = verdict(over).ok;
    release();
    if (may) send(card, over);
    else announce(word("Dropped"));
  } else return false;
  return true;
}

function onCardKey(card, key) {
  if (key === " " && card.draggable) {
    hold(card);
    announce(word("Picked"));
  } else if (key.startsWith("Arrow")) walk(card, key);
  else if (key === "Enter") card.querySelector("a.t").click();
  else return false;
  return true;
}

// -- by its menu: touch, and whoever does not drag ----------------------------------------------

async function offer(card) {
  const dialog = document.getElementById("move-to");
  dialog.querySelector("h2").textContent = card.dataset.title;
  const lanes = await lanesFor(card);
  for (const button of dialog.querySelectorAll("[data-move-to]")) {
    const name = button.dataset.moveTo;
    const said = lanes[name];
    const isHome = name === card.dataset.lane;
    button.setAttribute("aria-disabled", String(!said?.ok));
    button.hidden = !isHome && !said;
    button.querySelector("[data-why]").textContent = isHome ? word("Here") : said?.ok ? (said.asks ? `${word("Asks")} ${said.asks}` : "") : (said?.why ?? "");
    button.onclick = () => {
      if (!said?.ok) return;
      dialog.close();
      send(card, name);
    };
  }
  dialog.showModal();
}

document.addEventListener("dragstart", onDragStart);
document.addEventListener("dragover", onDragOver);
document.addEventListener("drop", onDrop);
document.addEventListener("dragend", () => held && release());
document.addEventListener("keydown", onKey, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-move-card]");
  if (button) return offer(button.closest(".kc"));
  const card = event.target.closest?.(".kc");
  // The whole card opens its record, as a row of a list does.
  if (card && !event.target.closest("a, button") && !String(getSelection())) card.querySelector("a.t").click();
});
if (board()?.dataset.figures) addUp(board().dataset.figures);
