// Jobs of the queue are dragged to another place: what the buttons do, by hand. The page is the
// same without it, and what is moved is sent by the form that the buttons send.

const line = document.querySelector("[data-line]");
let dragged = null;

/** The job under the pointer, and whether the pointer is in its upper half. */
function target(event) {
  const job = event.target.closest("[data-job]");
  if (!job || job === dragged) return null;
  const box = job.getBoundingClientRect();
  return { job, before: event.clientY < box.top + box.height / 2 };
}

/** A line shows where the job would go; none where it would go nowhere. */
function show(place) {
  for (const job of line.children) job.classList.remove("drop-before", "drop-after");
  if (place) place.job.classList.add(place.before ? "drop-before" : "drop-after");
}

function send(place) {
  const form = dragged.querySelector('form[action$="/move"]');
  form.elements.beside.value = place.job.dataset.job;
  form.elements.before.value = place.before ? "yes" : "no";
  form.requestSubmit();
}

for (const job of line.querySelectorAll("[data-job]")) job.draggable = line.children.length > 1;
line.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("[data-job]");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.job);
});
line.addEventListener("dragover", (event) => {
  const place = dragged && target(event);
  show(place);
  if (place) event.preventDefault();
});
line.addEventListener("drop", (event) => {
  const place = dragged && target(event);
  if (!place) return;
  event.preventDefault();
  send(place);
});
line.addEventListener("dragend", () => { show(null); dragged = null; });
