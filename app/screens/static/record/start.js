// What only the pages of records need: loaded by them, not by every page.
import { startInPlace } from "./inplace.js";
import { startLooking } from "./looking.js";
import { startMentions } from "./mentions.js";
import { startParts } from "./parts.js";
import { startWalk } from "./walk.js";
import { startWhy } from "./why.js";

export function startRecord() {
  startParts();
  startInPlace();
  startWhy();
  startWalk();
  startLooking();
  startMentions();
}
