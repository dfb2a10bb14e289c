// Passkeys: asks the browser to make one or to show one, and sends its answer with the form that asks for it.

const NAMES = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
const SAID = {
  NotAllowedError: "Nothing was confirmed: it was cancelled, took too long, or this device has no passkey for this panel.",
  InvalidStateError: "This device has a passkey of yours for this panel already.",
  SecurityError: "This browser has no passkeys at this address of the panel.",
  NotSupportedError: "This device makes no passkeys that the panel takes.",
};

const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
const textOf = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const credentialsOf = (given) => given?.map((each) => ({ ...each, id: bytesOf(each.id) }));

// Options as the browser takes them: some know them as JSON and some do not.
function optionsOf(given) {
  const options = { ...given, challenge: bytesOf(given.challenge) };
  if (given.user) options.user = { ...given.user, id: bytesOf(given.user.id) };
  for (const name of ["allowCredentials", "excludeCredentials"]) if (given[name]) options[name] = credentialsOf(given[name]);
  return options;
}

function answerOf(credential) {
  const found = NAMES.filter((name) => credential.response[name]).map((name) => [name, textOf(credential.response[name])]);
  return JSON.stringify({ id: credential.id, rawId: textOf(credential.rawId), type: credential.type, response: Object.fromEntries(found) });
}

async function askedBy(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const name = document.querySelector(form.dataset.nameFrom)?.value ?? "";
  const answer = await fetch(form.dataset.asks, { method: "POST", body: new URLSearchParams({ name }) });
  if (answer.status === 429) throw new Error("Too many tries. Wait a minute.");
  if (!answer.ok) throw new Error("The panel has not said what to ask your browser for. Load this page again.");
  return answer.json();
}

let isAsking = false; // a browser asks for one at a time, and refuses the other

async function answer(form) {
  const said = form.querySelector("[data-said]");
  if (isAsking) return;
  isAsking = true;
  said.hidden = true;
  try {
    const publicKey = optionsOf(await askedBy(form));
    const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
    form.elements.answer.value = answerOf(credential);
    form.submit();
  } catch (error) {
    said.querySelector("span").textContent = SAID[error.name] ?? error.message;
    said.hidden = false;
  } finally {
    isAsking = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential;
  const without = document.querySelector("[data-no-passkeys]");
  if (without) without.hidden = !form.hidden;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(form);
  });
}
