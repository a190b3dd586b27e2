// Keeps a lab's board as it is now: the server says that something changed, this asks for the
// page again and exchanges the cards that differ. The page is the same without it.

import { textsOf } from "./texts.js";

const board = document.querySelector("[data-board]");
const word = document.querySelector("[data-live]");
const text = textsOf(word);
let asking = false;
let again = false;

/** A card that somebody is working in stays as it is until they are done. */
function busy(card) {
  return card.contains(document.activeElement) || card.querySelector("details[open]") !== null;
}

/** The cards of `list` are those of `wanted`; one that is the same, or busy, is not touched. */
function exchange(list, wanted) {
  const old = new Map([...list.children].map((card) => [card.id, card]));
  const cards = [...wanted.children].map((card) => {
    const here = old.get(card.id);
    if (!here) return card;
    if (busy(here) || here.isEqualNode(card)) return here;
    here.replaceWith(card);
    return card;
  });
  for (const card of [...list.children]) if (!cards.includes(card)) card.remove();
  cards.forEach((card, i) => {
    if (list.children[i] !== card) list.insertBefore(card, list.children[i] ?? null);
  });
}

async function refresh() {
  again = asking;
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const list of board.querySelectorAll("[data-cards]")) {
        exchange(list, fresh.getElementById(list.id));
      }
    }
  } catch {
    // No answer: the event stream notices as well, says so, and tries again.
  } finally {
    asking = false;
    if (again) refresh();
  }
}

const events = new EventSource(board.dataset.board);
events.addEventListener("board", refresh);
events.addEventListener("open", () => { word.textContent = text("live"); word.className = "word good"; });
events.addEventListener("error", () => {
  word.textContent = text("lost");
  word.className = "word wait";
});
