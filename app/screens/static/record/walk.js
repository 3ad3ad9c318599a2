// Previous and next within the list that was left for this record; at the end of what was loaded the
// next rows are asked for with the list's own filter, sort and view.
import { read, recordOf, rowsOf, write } from "../trail.js";

async function lengthen(trail) {
  const response = await fetch(trail.more, { credentials: "same-origin" });
  if (!response.ok || response.redirected) return false;
  const holder = document.createElement("template");
  holder.innerHTML = `<table><tbody>${await response.text()}</tbody></table>`;
  const ids = rowsOf(holder.content).filter((id) => !trail.ids.includes(id));
  trail.ids.push(...ids);
  trail.more = holder.content.querySelector(".list-end a[hx-get]")?.getAttribute("hx-get") ?? null;
  write(trail);
  return ids.length > 0;
}

function show() {
  const box = document.querySelector("[data-trail]");
  const here = recordOf(location.href);
  const trail = read();
  if (!box || !here || !trail || trail.entity !== here[1]) return;
  const at = trail.ids.indexOf(Number(here[2]));
  if (at < 0) return;
  box.hidden = false;
  const place = box.querySelector("[data-trail-at]");
  place.textContent = place.dataset.words.replace("{at}", at + 1).replace("{all}", trail.all);
  for (const link of box.querySelectorAll("[data-trail-to]")) {
    const to = at + Number(link.dataset.trailTo);
    const can = to >= 0 && (to < trail.ids.length || trail.more);
    if (trail.ids[to]) link.href = `/crm/${trail.entity}/${trail.ids[to]}`;
    else link.removeAttribute("href");
    link.toggleAttribute("aria-disabled", !can);
    link.classList.toggle("off", !can);
  }
  const list = document.querySelector("[data-list-of]");
  if (list) list.href = trail.list;
}

async function go(event) {
  const link = event.target.closest?.("[data-trail-to]");
  if (!link || link.hasAttribute("href")) return;
  event.preventDefault();
  const trail = read();
  const here = recordOf(location.href);
  const to = trail.ids.indexOf(Number(here[2])) + Number(link.dataset.trailTo);
  if (to >= trail.ids.length && trail.more) await lengthen(trail);
  if (trail.ids[to]) location.assign(`/crm/${trail.entity}/${trail.ids[to]}`);
}

export function startWalk() {
  document.addEventListener("click", go);
  document.addEventListener("record-fresh", show);
  show();
}
