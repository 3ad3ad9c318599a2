// Requests of our own modules: same origin, with the token that proves the page is ours.
export function token() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

export async function post(url, body, signal) {
  const response = await fetch(url, {
    method: "POST",
    body,
    signal,
    headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" },
    credentials: "same-origin",
  });
  return response;
}

// The words our modules say come from the page, in the reader's language.
export function word(name) {
  return document.body.dataset[`word${name}`] ?? "";
}

export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}
