// Lets the device keep the page for when there is no connection. The version is that of our files.
const version = new URL(import.meta.url).pathname.split("/")[2];

export function startInstalled() {
  if (!("serviceWorker" in navigator)) return;
  // After everything the page needs: nobody waits for it. Without it nothing is missing but the
  // offline page, so a browser that will not have it is left alone.
  const register = () => navigator.serviceWorker.register(`/sw.js?v=${version}`).catch(() => undefined);
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

// On the page itself: looks whether the connection is back, and goes on where somebody was.
const again = document.querySelector("[data-again]");
if (again) {
  addEventListener("online", () => location.reload());
  again.addEventListener("click", () => location.reload());
}
