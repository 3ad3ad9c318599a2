// What only lists need, and the boards and calendars that share their head: loaded by them.
import { startInPlace } from "../record/inplace.js";
import { startAsking } from "./asking.js";
import { startCells } from "./cells.js";
import { startColumns } from "./columns.js";
import { startLists } from "./lists.js";
import { startPeek } from "./peek.js";

export function startList() {
  startAsking();
  startColumns();
  startLists();
  startInPlace();
  startCells();
  startPeek();
}
