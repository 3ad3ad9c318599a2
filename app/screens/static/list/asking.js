// Dialogs that are fetched when they are wanted (data-asks) and answered in the background
// (form[data-answers]): what is refused is shown in place, what is done leads on.
import { token } from "../send.js";
import { toast } from "../toast.js";

const HEADERS = { "X-Requested-With": "fetch" };
const box = () => document.getElementById("ask");

function fill(html) {
  const dialog = box();
  dialog.innerHTML = html;
  window.htmx?.process(dialog);
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector('[role="alert"]') ?? dialog.querySelector("[autofocus]"))?.focus();
}

export async function ask(href, extra = {}) {
  const address = new URL(href, location.href);
  for (const [name, value] of Object.entries(extra)) address.searchParams.set(name, value);
  const response = await fetch(address, { headers: HEADERS, credentials: "same-origin" });
  if (response.ok || response.status === 422) fill(await response.text());
  else toast(document.body.dataset.wordFailed);
}

async function answer(form, submitter) {
  const body = new FormData(form, submitter);
  const button = submitter ?? form.querySelector(".btn-primary");
  if (button) button.disabled = true;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { ...HEADERS, "X-CSRFToken": token() },
      credentials: "same-origin",
    });
    const to = response.headers.get("X-Go");
    if (to) location.assign(to);
    else if (response.ok || response.status === 422) fill(await response.text());
    else toast(document.body.dataset.wordFailed);
  } catch {
    toast(document.body.dataset.wordOffline);
  } finally {
    if (button) button.disabled = false;
  }
}

export function startAsking() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-asks]");
    if (!opener || !box()) return;
    event.preventDefault();
    for (const drop of document.querySelectorAll("details.drop[open]")) drop.open = false;
    const extra = {};
    if (opener.dataset.with) extra.filter = opener.dataset.with;
    const chosen = opener.closest(".bulk");
    if (chosen) {
      extra.ids = chosen.querySelector("[data-ids]").value;
      extra.all = chosen.querySelector("[data-everything]").value;
    }
    ask(opener.dataset.asks, extra);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.("form[data-answers]")) return;
    event.preventDefault();
    answer(event.target, event.submitter);
  });
  // Another field was chosen in a dialog: it is asked anew with what was typed.
  document.addEventListener("change", (event) => {
    const choice = event.target.closest?.("[data-asks-again]");
    if (!choice) return;
    const extra = Object.fromEntries(new FormData(choice.form));
    delete extra.csrf_token;
    ask(choice.dataset.asksAgain, extra);
  });
}
