"use strict";
// A form with data-passkey is answered by the browser's passkey: the panel is asked what to ask for
// (data-options), the answer goes into the form, and the form is sent as any other.

const REASONS = {
  NotAllowedError: "No passkey was given: try once more, or take your PIN.",
  InvalidStateError: "This device has a passkey of yours already.",
  SecurityError: "Passkeys do not work at this address: your PIN does.",
};

function bytes(text) {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
}

function told(value) {
  if (!(value instanceof ArrayBuffer)) return value;
  const letters = Array.from(new Uint8Array(value), (byte) => String.fromCharCode(byte));
  return btoa(letters.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function options(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    body: new FormData(form),
    headers: { Accept: "application/json" },
  });
  const asked = await answer.json();
  if (!answer.ok) throw new Error(asked.sentence);
  asked.challenge = bytes(asked.challenge);
  if (asked.user) asked.user.id = bytes(asked.user.id);
  for (const known of asked.excludeCredentials || []) known.id = bytes(known.id);
  return asked;
}

function json(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = told(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id, rawId: told(credential.rawId), type: credential.type, response,
  });
}

async function answer(form) {
  const refusal = document.querySelector("[data-passkey-refusal]");
  refusal.hidden = true;
  try {
    const publicKey = await options(form);
    form.elements.answer.value = json(await navigator.credentials[form.dataset.passkey]({ publicKey }));
    form.submit();
  } catch (error) {
    refusal.textContent = REASONS[error.name] || error.message;
    refusal.hidden = false;
  }
}

if (window.isSecureContext && window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form);
    });
  }
  for (const note of document.querySelectorAll("[data-no-passkey]")) note.hidden = true;
}
