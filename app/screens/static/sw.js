// The worker of the installed app. It keeps our own files, whose address changes with their content,
// and one page for when there is no connection. It never keeps a page with data.
const version = new URL(self.location.href).searchParams.get("v") ?? "0";
const cacheName = `trellis-${version}`;

self.addEventListener("install", (event) => {
  // Where browsers can, they look into the cache themselves, and leave this worker asleep for
  // everything that is no page.
  event.addRoutes?.([
    { condition: { urlPattern: "/assets/*" }, source: { cacheName } },
    { condition: { not: { requestMode: "navigate" } }, source: "network" },
  ])?.catch(() => undefined);
  event.waitUntil(prepare());
});
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/assets/")) event.respondWith(ownFile(request));
  else if (request.mode === "navigate") event.respondWith(page(event));
});

async function prepare() {
  const cache = await caches.open(cacheName);
  const answer = await fetch("/offline", { credentials: "omit" });
  if (!answer.ok) throw new Error("no offline page");
  const html = await answer.clone().text();
  await cache.put("/offline", answer);
  const files = new Set([...html.matchAll(/"(\/assets\/[^"#]+)/g)].map((found) => found[1]));
  await cache.addAll([...files]);
  await self.skipWaiting();
}

async function takeOver() {
  // Pages are asked for while this worker wakes up.
  await self.registration.navigationPreload?.enable();
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith("trellis-") && name !== cacheName).map((name) => caches.delete(name)),
  );
}

async function ownFile(request) {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(request);
  return kept ?? fetch(request);
}

async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return (await (await caches.open(cacheName)).match("/offline")) ?? Response.error();
  }
}
