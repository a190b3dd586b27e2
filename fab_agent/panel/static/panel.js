"use strict";
// What changes on a page is asked for every second; a tap is answered where it was made. Without
// this script every button still works: its form is sent, and a page comes back.

const EVERY_MS = 1000;
const LOST_AFTER_MS = 5000;
let heardAt = Date.now();

function put(card, name, text) {
  const place = card.querySelector(`[data-${name}]`);
  if (place && place.textContent !== text) place.textContent = text;
}

function draw(card, told) {
  for (const kind of [...card.classList]) {
    if (kind !== "machine" && kind !== "whole" && kind !== told.kind) card.classList.remove(kind);
  }
  card.classList.add(told.kind);
  for (const name of ["state", "sentence", "old", "clear", "warm", "progress", "top", "head", "made"]) {
    put(card, name, told[name] || "");
  }
  const bar = card.querySelector("[data-bar]");
  if (bar) {
    bar.hidden = told.share === null;
    bar.querySelector("progress").value = told.share || 0;
  }
  const plot = card.querySelector("[data-plot]");
  if (plot) {
    plot.hidden = !(told.hotend || told.bed);
    plot.querySelector("[data-hotend]").setAttribute("d", told.hotend);
    plot.querySelector("[data-bed]").setAttribute("d", told.bed);
  }
  for (const form of card.querySelectorAll("[data-act]")) {
    form.hidden = !told.acts.includes(form.dataset.act);
    const attempt = form.querySelector("[name=attempt_id]");
    if (attempt) attempt.value = told.prepared;
  }
  const link = card.querySelector("[data-has-picture]");
  if (link) link.hidden = !told.attempt;
  const picture = card.querySelector("[data-attempt]");
  if (picture) {
    const at = picture.querySelector("[data-head-at]");
    const here = told.attempt === picture.dataset.attempt && told.x !== null;
    at.setAttribute("visibility", here ? "visible" : "hidden");
    if (here) at.setAttribute("transform", `translate(${told.x} ${told.y})`);
  }
  // Another program has another picture: the page is asked for anew, unless somebody is typing.
  if (card.classList.contains("whole") && (picture ? picture.dataset.attempt : "") !== told.attempt && told.attempt) {
    location.reload();
  }
}

async function look() {
  try {
    const answer = await fetch("/state.json", { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    for (const told of (await answer.json()).machines) {
      const card = document.querySelector(`[data-machine="${told.id}"]`);
      if (card) draw(card, told);
    }
    heardAt = Date.now();
  } catch {
    // told below, once it lasts
  }
  const lost = document.querySelector("[data-link]");
  if (lost) lost.hidden = Date.now() - heardAt < LOST_AFTER_MS;
  setTimeout(look, EVERY_MS);
}

function say(sentence, done) {
  const place = document.querySelector("[data-said]");
  place.className = done ? "said" : "refusal";
  place.textContent = sentence;
  place.hidden = false;
}

for (const form of document.querySelectorAll("form[data-at-once]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
      const told = await answer.json();
      say(told.sentence, told.done);
    } catch {
      say("The panel does not answer: use the machine's own switch.", false);
    }
  });
}

look();
