// A record made from anywhere: its short form in a dialog over the page. What it is made for (a
// picker, a related list) takes it; elsewhere a toast leads to it.
import { chooseIn } from "../picker.js";
import { post, announce } from "../send.js";
import { toast } from "../toast.js";
import { freshParts } from "./parts.js";

let asked = null;

const dialog = () => document.getElementById("quick");

// Pages that show no record have not loaded what the dialog looks like.
function dress() {
  const href = new URL("./record.css", import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  document.head.append(link);
}

function frame() {
  dress();
  const box = document.createElement("dialog");
  box.className = "dialog quick";
  box.id = "quick";
  box.setAttribute("aria-labelledby", "quick-title");
  box.addEventListener("close", () => {
    box.remove();
    asked?.focusBack?.focus();
  });
  document.body.append(box);
  return box;
}

const shortOf = (href) => {
  const address = new URL(href, location.href);
  address.pathname = `${address.pathname}/quick`;
  return address;
};

export async function openQuick(link) {
  const open = document.querySelector("dialog[open]");
  if (open?.matches("[data-palette-dialog], #more")) open.close();
  else if (open) {
    // Never a dialog over a dialog.
    window.open(link.href, "_blank", "noopener");
    return;
  }
  asked = { href: link.href, picker: link.closest(".picker"), focusBack: document.activeElement };
  const response = await fetch(shortOf(link.href), {
    credentials: "same-origin",
    headers: { "X-Requested-With": "fetch" },
  });
  if (!response.ok || response.redirected) {
    location.assign(link.href);
    return;
  }
  const box = dialog() ?? frame();
  box.innerHTML = await response.text();
  box.showModal();
  firstOf(box)?.focus();
}

const firstOf = (box) =>
  [...box.querySelectorAll(".quick-body :is(input:not([type=hidden]), textarea, select)")].find(
    (input) => !input.value && !input.closest("[hidden]") && input.offsetParent,
  );

async function save(form) {
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  let response;
  try {
    response = await post(form.getAttribute("action"), new FormData(form));
  } catch {
    delete form.dataset.sent;
    toast(document.body.dataset.wordOffline);
    return;
  }
  if (response.status === 422) {
    dialog().innerHTML = await response.text();
    const bad = dialog().querySelector("[aria-invalid], .is-bad");
    (bad ?? dialog().querySelector(".note.bad"))?.focus();
    announce(dialog().querySelector(".err, .note.bad")?.textContent ?? "");
  } else if (response.ok && !response.redirected) {
    made(await response.json());
  } else {
    delete form.dataset.sent;
    toast(document.body.dataset.wordFailed);
  }
}

function made(record) {
  const { picker } = asked;
  dialog().close();
  announce(record.told);
  if (picker?.isConnected) {
    chooseIn(picker, String(record.id), record.title);
    return;
  }
  const box = toast(record.told);
  const link = document.createElement("a");
  link.href = record.href;
  link.textContent = record.open;
  box.append(link);
  if (document.querySelector("[data-part]")) freshParts();
  else document.dispatchEvent(new CustomEvent("record-made", { detail: record }));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches?.("[data-quick-form]") || event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  save(form);
}, true);
