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
import { startTrail } from "./trail.js";
import { startTree } from "./tree.js";

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
// What only some pages need comes with them.
if (document.querySelector("[data-part], [data-looking]")) {
  import("./record/start.js").then((part) => part.startRecord());
}
if (document.getElementById("list")) {
  import("./list/start.js").then((part) => part.startList());
}
