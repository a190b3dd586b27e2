// Keeps the wall as it is now. The server says that it shows something else; where it has no
// stream to spare, the page asks every few seconds, and is told when nothing has changed.

import { textsOf } from "./texts.js";

const ASK_EVERY_MS = 5000;
const word = document.querySelector("[data-live]");
const text = textsOf(word);
let asking = false;
let again = false;

async function refresh() {
  again = asking;
  if (asking) return;
  asking = true;
  try {
    // The browser knows the page's ETag: what has not changed is not sent again.
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const old = document.getElementById("wall");
      const now = fresh.getElementById("wall");
      if (now && !old.isEqualNode(now)) old.replaceWith(now);
    }
    return answer.ok;
  } catch {
    return false;
  } finally {
    asking = false;
    if (again) refresh();
  }
}

function ask() {
  word.textContent = text("asking");
  setInterval(async () => {
    word.textContent = (await refresh()) === false ? text("lost") : text("asking");
  }, ASK_EVERY_MS);
}

const events = new EventSource(word.dataset.events);
events.addEventListener("wall", refresh);
events.addEventListener("open", () => { word.textContent = text("live"); });
events.addEventListener("error", () => {
  word.textContent = text("lost");
  // Refused for good, and not only cut off: then nobody tries again but this.
  if (events.readyState === EventSource.CLOSED) ask();
});
