// A part of a page that takes longer than a blink shows its own shape, so that nobody wonders whether
// the click counted, and nothing jumps when the answer comes.
const PATIENCE = 150;
const PARTS = "#list, .tbl, .bench-part, .tl, [data-skeleton]";
const timers = new Map();

export function startWaiting() {
  document.addEventListener("htmx:beforeRequest", (event) => {
    const target = event.detail.target;
    // Only what is looked at: a form that is worked out while somebody types stays as it is.
    if (!target?.matches?.(PARTS) || event.detail.requestConfig.verb !== "get") return;
    timers.set(event.detail.xhr, setTimeout(() => show(target, true), PATIENCE));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    clearTimeout(timers.get(event.detail.xhr));
    timers.delete(event.detail.xhr);
    show(event.detail.target, false);
  });
}

function show(target, waits) {
  target?.classList?.toggle("is-waiting", waits);
  if (waits) target.setAttribute("aria-busy", "true");
  else target?.removeAttribute?.("aria-busy");
}
