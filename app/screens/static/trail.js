// The list that is left for one of its records leaves its rows behind in this tab, so that the record
// knows the one before and the one after it.
const KEY = "trail";
const MOST = 2000;

export const recordOf = (href) => /^\/crm\/(\w+)\/(\d+)/.exec(new URL(href, location.href).pathname);

export function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

export function write(trail) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(trail));
  } catch {
    // A browser that keeps nothing has no trail.
    sessionStorage.clear();
  }
}

export function rowsOf(root) {
  const found = [...root.querySelectorAll("[data-href]")].map((row) => recordOf(row.dataset.href));
  return found.filter(Boolean).map((match) => Number(match[2]));
}

// Noted when a list is left for one of its records, so that what was loaded by then counts.
function leaveBehind(event) {
  const row = event.target.closest?.("[data-href]");
  const root = row?.closest("#main");
  const match = row && recordOf(row.dataset.href);
  if (!match || !root || root.querySelector("[data-part]")) return;
  note(root, match[1]);
}

function note(root, entity) {
  const ids = rowsOf(root).slice(0, MOST);
  const more = root.querySelector(".list-end a[hx-get], .list-end a[href]");
  write({
    entity,
    ids,
    list: location.pathname + location.search,
    all: root.querySelector("#count")?.textContent.trim() || String(ids.length),
    more: more?.getAttribute("hx-get") ?? null,
  });
}

export function startTrail() {
  document.addEventListener("click", leaveBehind, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const row = document.querySelector("#main .cur[data-href]");
    if (row) leaveBehind({ target: row });
  }, true);
}
