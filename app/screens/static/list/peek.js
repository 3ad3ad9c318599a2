// A closer look at a record without leaving its list: Space opens it, J and K go on, Esc closes.
import { token } from "../send.js";

const box = () => document.getElementById("peek");

export async function peek(row) {
  const drawer = box();
  if (!drawer || !row?.dataset.href) return;
  const response = await fetch(`${row.dataset.href}/peek`, {
    credentials: "same-origin",
    headers: { "X-Requested-With": "fetch", "X-CSRFToken": token() },
  });
  if (!response.ok) return;
  drawer.innerHTML = await response.text();
  if (!drawer.open) drawer.showModal();
}

function step(by) {
  const rows = [...document.querySelectorAll("#list tbody tr[data-href]")].filter((row) => row.offsetParent);
  const at = rows.findIndex((row) => row.classList.contains("cur"));
  const next = rows[at + by];
  if (!next) return;
  rows[at]?.classList.remove("cur");
  next.classList.add("cur");
  next.scrollIntoView({ block: "nearest" });
  peek(next);
}

export function startPeek() {
  document.addEventListener("keydown", (event) => {
    if (!box()?.open || event.target.closest?.("input, textarea, select")) return;
    if (event.key === "j" || event.key === "ArrowDown") step(1);
    else if (event.key === "k" || event.key === "ArrowUp") step(-1);
    else if (event.key === " " && !event.target.closest("a, button")) box().close();
    else return;
    event.preventDefault();
  });
}
