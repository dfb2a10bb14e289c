"use strict";

const key = document.getElementById("key");
const search = document.getElementById("search");
const none = document.getElementById("none");
const procedures = [...document.querySelectorAll(".procedure")];
const MOST_CHARACTERS = 200000;

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const each of procedures) {
    each.hidden = !words.every((word) => each.dataset.search.includes(word));
    shown += each.hidden ? 0 : 1;
  }
  for (const router of document.querySelectorAll(".router")) {
    router.hidden = !router.querySelector(".procedure:not([hidden])");
  }
  document.getElementById("shapes").hidden = words.length > 0;
  none.hidden = shown > 0;
}

function reveal() {
  const name = decodeURIComponent(location.hash.slice(1));
  const found = document.getElementById(`${name}-`) || document.getElementById(name);
  if (found instanceof HTMLDetailsElement) {
    if (found.hidden || found.closest("[hidden]")) {
      search.value = "";
      filter();
    }
    found.open = true;
    found.scrollIntoView();
  }
}

function show(form, text, good) {
  const outcome = form.querySelector(".outcome");
  outcome.textContent = text;
  outcome.className = `outcome ${good ? "good" : "bad"}`;
  outcome.hidden = false;
}

function request(form) {
  const headers = {};
  if (key.value.trim()) headers["x-api-key"] = key.value.trim();
  for (const input of form.querySelectorAll("[data-header]")) {
    if (input.value) headers[input.dataset.header] = input.value;
  }
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("[data-query]")) {
    if (input.value) query.set(input.dataset.query, input.value);
  }
  const body = form.querySelector("[data-body]");
  if (body) headers["content-type"] = "application/json";
  const address = `/api/${form.dataset.name}${query.size ? `?${query}` : ""}`;
  return [address, { method: form.dataset.method, headers, body: body ? body.value : undefined }];
}

function pretty(text, type) {
  if (!type.startsWith("application/json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function read(answer, output) {
  const type = answer.headers.get("content-type") || "";
  if (!type.startsWith("text/event-stream")) {
    const text = pretty(await answer.text(), type);
    output.textContent = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}\n… and more` : text;
    return;
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    output.textContent = (output.textContent + part.value).slice(-MOST_CHARACTERS);
    output.scrollTop = output.scrollHeight;
  }
}

async function call(form) {
  const output = form.querySelector(".output");
  const stop = form.querySelector(".stop");
  const control = new AbortController();
  stop.onclick = () => control.abort();
  stop.hidden = false;
  output.textContent = "";
  output.hidden = false;
  const began = performance.now();
  try {
    const [address, options] = request(form);
    const answer = await fetch(address, { ...options, signal: control.signal, credentials: "omit", cache: "no-store" });
    const took = Math.round(performance.now() - began);
    const made = answer.headers.get("x-deployment-id");
    show(form, `${answer.status}, ${took} ms${made ? `, deployment ${made}` : ""}`, answer.ok);
    await read(answer, output);
  } catch (error) {
    show(form, control.signal.aborted ? "Stopped." : `The panel does not answer: ${error.message}`, control.signal.aborted);
  }
  stop.hidden = true;
  output.hidden = !output.textContent;
}

for (const form of document.querySelectorAll(".try")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (key.value.trim() || form.dataset.keyless) {
      call(form);
    } else {
      show(form, "Enter an API key at the top of the page first.", false);
      key.focus();
    }
  });
}
document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("clear").addEventListener("click", () => {
  search.value = "";
  filter();
  search.focus();
});
search.addEventListener("input", filter);
window.addEventListener("hashchange", reveal);
search.value = "";
reveal();
