// Starts the small modules the screens are made of. Each listens on the document, so what htmx
// swaps in works without being set up again. Nothing here knows an entity.
import { startBench } from "./bench.js";
import { startFloats } from "./floats.js";
import { startForms } from "./forms.js";
import { startInbox } from "./inbox.js";
import { startInstalled } from "./installed.js";
import { startKeys } from "./keys.js";
import { startLines } from "./lines.js";
import { startPalette } from "./palette.js";
import { startPickers } from "./picker.js";
import { startSelection } from "./selection.js";
import { startToasts } from "./toast.js";
import { startTree } from "./tree.js";
import { startWaiting } from "./waiting.js";
import { startTrail } from "./trail.js";

startFloats();
startPickers();
startForms();
startLines();
startSelection();
startToasts();
startKeys();
startInbox();
startBench();
startTrail();
startPalette();
startTree();
startInstalled();
startWaiting();
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-quick]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  // On a record's page the foot bar writes on its timeline.
  if (link.closest(".foot-nav") && document.querySelector("[data-talk]")) return;
  event.preventDefault();
  import("./record/quick.js").then((part) => part.openQuick(link));
});
// What only some pages need comes with them.
const parts = [];
if (document.querySelector("form[data-draft]")) {
  parts.push(import("./record/drafts.js").then((part) => part.startDrafts()));
}
if (document.querySelector("[data-part], [data-looking]")) {
  parts.push(import("./record/start.js").then((part) => part.startRecord()));
}
if (document.getElementById("list")) {
  parts.push(import("./list/start.js").then((part) => part.startList()));
}
// Told to whatever drives the page without eyes: a key that is pressed before reaches nobody.
Promise.all(parts).then(() => document.documentElement.setAttribute("data-listens", ""));

// Of administrators alone, and seldom: loaded when it is asked for.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-where]");
  if (button) (await import("./where.js")).toggleWhere(button);
});
