// Says now and then that this record is looked at, and shows who else does; rests in the background.
import { post, token } from "../send.js";

const EVERY = 20000;
let timer = 0;

const box = () => document.querySelector("[data-looking]");

function word() {
  if (box().hasAttribute("data-edits") || document.querySelector("[data-inplace]")) return "edits";
  return "looks";
}

async function beat() {
  clearTimeout(timer);
  const here = box();
  if (!here || document.hidden) return;
  timer = setTimeout(beat, EVERY);
  const body = new FormData();
  body.set("word", word());
  try {
    const response = await post(here.dataset.looking, body);
    if (response.ok && !response.redirected) show(here.dataset.looking, await response.text());
  } catch {
    // Without a connection nobody is seen; the next beat asks again.
    show(here.dataset.looking, "");
  }
}

// The page may have been brought up to date meanwhile.
function show(address, html) {
  const here = box();
  if (here?.dataset.looking === address) here.innerHTML = html;
}

function gone() {
  const here = box();
  if (!here) return;
  const body = new FormData();
  body.set("word", "gone");
  body.set("csrf_token", token());
  navigator.sendBeacon(here.dataset.looking, body);
}

export function startLooking() {
  if (!box()) return;
  document.addEventListener("visibilitychange", beat);
  document.addEventListener("record-fresh", beat);
  addEventListener("pagehide", gone);
  // Not part of opening the page.
  timer = setTimeout(beat, 800);
}
