// What was typed into a form is kept in this browser, under its form and person, until it is saved or
// thrown away: a tab that was closed loses nothing. Only fields that were touched are kept.
const PAUSE = 400;
const KEEPS = 14 * 24 * 3600 * 1000;
let timer = 0;

const form = () => document.querySelector("form[data-draft]");
const keyOf = (one) => `draft:${one.dataset.draft}`;

function read(key) {
  try {
    const draft = JSON.parse(localStorage.getItem(key) ?? "null");
    return draft && Date.now() - draft.at < KEEPS ? draft : null;
  } catch {
    return null;
  }
}

function entriesOf(one) {
  const data = new FormData(one);
  const touched = new Set(data.getAll("_touched"));
  const found = [];
  for (const [name, value] of data) {
    if (value instanceof File) continue;
    if (name === "_touched" || name === "_version" || touched.has(name.split(".")[0])) {
      found.push([name, value]);
    }
  }
  return found.some(([name]) => name === "_touched") ? found : [];
}

function keep(one) {
  const entries = entriesOf(one);
  if (!entries.length) return;
  try {
    localStorage.setItem(keyOf(one), JSON.stringify({ at: Date.now(), entries }));
  } catch {
    // No room, or none allowed: the browser asks before the page is left, as without drafts.
    delete one.dataset.kept;
    return;
  }
  one.dataset.kept = "yes";
  const said = one.querySelector("[data-draft-said]");
  if (said) said.hidden = false;
}

function takeUp(one, draft) {
  const sender = document.createElement("form");
  sender.method = "post";
  sender.action = one.dataset.takesUp;
  const token = document.querySelector('meta[name="csrf-token"]').content;
  for (const [name, value] of [["csrf_token", token], ["_draft", "yes"], ...draft.entries]) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    sender.append(input);
  }
  document.body.append(sender);
  sender.submit();
}

function offer(one) {
  const draft = read(keyOf(one));
  const note = one.querySelector("[data-draft-offer]");
  if (!draft || !note || one.hasAttribute("data-taken")) return;
  const when = note.querySelector("time");
  const at = new Date(draft.at);
  when.dateTime = at.toISOString();
  when.textContent = at.toLocaleString(document.documentElement.lang, {
    dateStyle: "medium",
    timeStyle: "short",
  });
  note.hidden = false;
  note.querySelector("[data-draft-take]").addEventListener("click", () => takeUp(one, draft));
  note.querySelector("[data-draft-drop]").addEventListener("click", () => {
    localStorage.removeItem(keyOf(one));
    note.remove();
  });
}

export function startDrafts() {
  const one = form();
  if (!one) return;
  offer(one);
  const soon = (event) => {
    if (event.target.closest?.("form[data-draft]") !== one) return;
    // Whoever types anew leaves the older draft behind.
    one.querySelector("[data-draft-offer]")?.remove();
    clearTimeout(timer);
    timer = setTimeout(() => keep(one), PAUSE);
  };
  document.addEventListener("input", soon);
  document.addEventListener("change", soon);
  one.addEventListener("submit", () => {
    clearTimeout(timer);
    keep(one);
    sessionStorage.setItem("draft-sent", keyOf(one));
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-leaves]")) return;
    // Leaving on purpose throws it away.
    clearTimeout(timer);
    localStorage.removeItem(keyOf(one));
  });
}
