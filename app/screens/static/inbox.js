// Unread messages, live. The stream ends after one event and the browser comes again by itself
// after the pause it was told, so a page that is open holds nothing on the server. A page that is
// not looked at does not ask.
import { announce, token } from "./send.js";

let stream = null;
let known = null;

function show(number, text, words) {
  for (const mark of document.querySelectorAll("[data-unread]")) {
    mark.textContent = text;
    mark.hidden = number === 0;
    mark.setAttribute("aria-label", words);
  }
  const list = document.querySelector("[data-inbox-list]");
  // The first word may tell of a message that came after the list was made.
  const isNew =
    known === null ? list?.querySelectorAll(".msg.un").length < number : number !== known;
  if (isNew) {
    if (known !== null && number > known) announce(words);
    // A menu or form that is open in the list stays as it is.
    if (list && !list.querySelector("details[open]") && !list.contains(document.activeElement)) {
      document.body.dispatchEvent(new CustomEvent("inbox-changed"));
    }
  }
  known = number;
}

function open() {
  if (stream || document.hidden || !document.querySelector("[data-unread]")) return;
  stream = new EventSource("/inbox/pulse");
  stream.addEventListener("unread", (event) => {
    const [number, text, words] = event.data.split("|");
    show(Number(number), text, words);
  });
  stream.addEventListener("error", () => {
    // Refused for good: signed out, or the server does not know the address.
    if (stream && stream.readyState === EventSource.CLOSED) close();
  });
}

function close() {
  stream?.close();
  stream = null;
}

export function startInbox() {
  open();
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  // Whoever opens the record of a message has read it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-reads]");
    if (!link) return;
    fetch(link.dataset.reads, {
      method: "POST",
      keepalive: true,
      headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" },
      credentials: "same-origin",
    });
  });
}
