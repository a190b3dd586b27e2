// Keeps a lab's board as it is now: the server says that something changed, this asks for the
// page again and exchanges the cards that differ. The page is the same without it.

const board = document.querySelector("[data-board]");
const word = document.querySelector("[data-live]");
let asking = false;
let again = false;

/** A card that somebody is working in stays until they are done. */
function busy(card) {
  return card.contains(document.activeElement) && document.activeElement.matches("input, select")
    || card.querySelector("details[open]") !== null;
}

function exchange(fresh) {
  for (const list of board.querySelectorAll("[data-cards]")) {
    const wanted = fresh.querySelector(`#${list.id}`);
    if (!wanted) continue;
    const old = new Map([...list.children].map((card) => [card.id, card]));
    const cards = [...wanted.children].map((card) => {
      const now = old.get(card.id);
      return now && (busy(now) || now.isEqualNode(card)) ? now : card;
    });
    if (cards.length !== list.children.length || cards.some((c, i) => c !== list.children[i])) {
      const focus = document.activeElement?.id;
      list.replaceChildren(...cards);
      if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    }
  }
}

async function refresh() {
  again = asking;
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (answer.ok) {
      exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  } finally {
    asking = false;
    if (again) refresh();
  }
}

const events = new EventSource(board.dataset.board);
events.addEventListener("board", refresh);
events.addEventListener("open", () => { word.textContent = "Live"; word.className = "word good"; });
events.addEventListener("error", () => {
  word.textContent = "No link; trying again";
  word.className = "word wait";
});
