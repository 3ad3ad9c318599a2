// Lists: groups that fold, conditions that are counted while they change, and what others change
// in the rows on the screen. A page that is not looked at does not ask.
import { announce } from "../send.js";

const list = () => document.getElementById("list");

// -- groups ------------------------------------------------------------------------------------

async function fold(button) {
  const body = document.getElementById(button.getAttribute("aria-controls"));
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  body.hidden = !open;
  if (!open || body.childElementCount) return;
  const response = await fetch(button.dataset.folds, { credentials: "same-origin" });
  if (!response.ok) return;
  body.innerHTML = await response.text();
  window.htmx?.process(body);
  listen();
}

// -- the filter --------------------------------------------------------------------------------

function recount(form) {
  if (form) window.htmx?.trigger(form, "rows");
}

function startFilter() {
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest?.("[data-recounts]");
      if (!button) return;
      const form = button.form ?? button.closest("form");
      setTimeout(() => recount(form));
    },
    true,
  );
  document.addEventListener("htmx:afterSwap", (event) => {
    const place = event.detail.target;
    if (place?.closest?.(".filter form") && !place.matches(".filter-state")) {
      recount(place.closest("form"));
    }
  });
}

// -- what others change ------------------------------------------------------------------------

let stream = null;
let seen = null;
let beside = new Set();
let last = "";

function shownIds() {
  return [...document.querySelectorAll("#list tr[data-id]")].map((row) => row.dataset.id).slice(0, 200);
}

function pairs(text) {
  return text ? text.split(",").map((one) => one.split(":")) : [];
}

// The rows of some records anew; *column* keeps the cell the keys are at.
export async function freshen(ids, column) {
  const here = list();
  const address = new URL(here.dataset.rows, location.href);
  address.searchParams.set("ids", [...ids].slice(0, 100).join(","));
  const response = await fetch(address, { credentials: "same-origin" });
  if (!response.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = `<table><tbody>${await response.text()}</tbody></table>`;
  for (const id of ids) {
    const old = here.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
    if (!old || old.querySelector("form")) continue;
    const fresh = holder.content.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
    if (!fresh) {
      old.classList.add("gone");
      old.title = here.dataset.wordGone;
      continue;
    }
    const box = old.querySelector('input[name="id"]');
    const again = fresh.querySelector('input[name="id"]');
    if (box?.checked && again) again.checked = true;
    fresh.className = old.className.replace("gone", "");
    fresh.classList.add("changed");
    if (column !== undefined && fresh.classList.contains("cur")) fresh.cells[column]?.classList.add("cell-cur");
    old.replaceWith(fresh);
  }
}

function tell() {
  const here = list();
  const news = here?.querySelector(".news");
  if (!news) return;
  const words = beside.size === 1 ? here.dataset.wordBesideOne : `${beside.size} ${here.dataset.wordBeside}`;
  news.querySelector("a span").textContent = words;
  if (news.hidden) announce(words);
  news.hidden = beside.size === 0;
}

function heard(event) {
  last = event.lastEventId;
  const [here, others] = event.data.split("|").map(pairs);
  if (seen === null) {
    // What was there before the page is on it.
    seen = new Set([...here, ...others].map(([change]) => change));
    return;
  }
  const ids = new Set();
  for (const [change, id] of here) {
    if (!seen.has(change)) ids.add(id);
    seen.add(change);
  }
  let more = false;
  for (const [change, id] of others) {
    if (seen.has(change)) continue;
    seen.add(change);
    beside.add(id);
    more = true;
  }
  if (ids.size) freshen(ids);
  if (more) tell();
}

export function listen() {
  stream?.close();
  stream = null;
  const here = list();
  if (!here?.dataset.pulse || document.hidden) return;
  const address = new URL(here.dataset.pulse, location.href);
  const ids = shownIds();
  if (!ids.length) return;
  address.searchParams.set("shown", ids.join(","));
  if (last) address.searchParams.set("since", last);
  stream = new EventSource(address);
  stream.addEventListener("rows", heard);
}

export function startLists() {
  startFilter();
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-folds]");
    if (button) fold(button);
    const file = event.target.closest?.("[data-exports]");
    if (file) {
      const bar = file.closest(".bulk");
      const address = new URL(file.dataset.exports, location.href);
      if (!bar.querySelector("[data-everything]").value) {
        address.searchParams.set("ids", bar.querySelector("[data-ids]").value);
      }
      location.assign(address);
    }
    const once = event.target.closest?.("[data-once]");
    if (once) setTimeout(() => (once.hidden = true));
    const again = event.target.closest?.("[data-reloads]");
    if (again) {
      event.preventDefault();
      location.reload();
    }
  });
  if (!list()) return;
  // What a page needs first comes first.
  setTimeout(listen, 1500);
  // A wheel goes down; the tabs go sideways.
  document.querySelector(".tabs-in")?.addEventListener("wheel", (event) => {
    event.currentTarget.scrollLeft += event.deltaY;
  }, { passive: true });
  document.querySelector(".tabs-in .on")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  document.addEventListener("visibilitychange", () => (document.hidden ? stream?.close() : listen()));
  addEventListener("pagehide", () => stream?.close());
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "list" || event.detail.target?.closest?.("#list tbody")) listen();
  });
}
