// Dragging with a finger: held for a moment, then carried. A finger that moves at once scrolls, as
// ever; the browser's own long press begins later than this one and is not wanted then.
const HOLD = 260;
const SLACK = 8;

// `grip` returns what is carried from where the finger is put, or nothing; `lift`, `over`, `drop` and
// `cancel` are told what becomes of it, `over` and `drop` with what is below the finger.
export function carryByTouch({ grip, lift, over, drop, cancel }) {
  let timer = 0;
  let start = null;
  let isHeld = false;
  let hasCarried = false;

  function end() {
    clearTimeout(timer);
    start = null;
    isHeld = false;
  }

  document.addEventListener("pointerdown", (event) => {
    const one = event.pointerType === "touch" && event.isPrimary ? grip(event.target) : null;
    hasCarried = false;
    if (!one) return;
    start = { x: event.clientX, y: event.clientY };
    timer = setTimeout(() => {
      isHeld = true;
      hasCarried = true;
      lift(one);
      navigator.vibrate?.(10);
    }, HOLD);
  });
  document.addEventListener("pointermove", (event) => {
    if (!start || event.pointerType !== "touch") return;
    if (isHeld) over(document.elementFromPoint(event.clientX, event.clientY));
    else if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > SLACK) end();
  });
  document.addEventListener("pointerup", (event) => {
    if (!start || event.pointerType !== "touch") return;
    const wasHeld = isHeld;
    end();
    if (wasHeld) drop(document.elementFromPoint(event.clientX, event.clientY));
  });
  document.addEventListener("pointercancel", () => {
    const wasHeld = isHeld;
    end();
    if (wasHeld) cancel();
  });
  // While something is carried the page stays where it is, no menu opens, and letting go is no click.
  document.addEventListener("touchmove", (event) => isHeld && event.preventDefault(), { passive: false });
  for (const name of ["contextmenu", "dragstart"]) {
    document.addEventListener(name, (event) => {
      if (!isHeld) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    }, true);
  }
  document.addEventListener("click", (event) => {
    if (!hasCarried) return;
    hasCarried = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}
