// The command palette over any page: what is typed is asked for, and what was found are links. Without scripts its button
// leads to a page that does the same.

import { otherness } from "./whose.js";

const APART = 120; // milliseconds after the last key

function offer(palette) {
  const form = palette.querySelector("form"), field = form.querySelector("input");
  const found = palette.querySelector("[data-found]"), told = palette.querySelector("[role=status]");
  const links = () => [...found.querySelectorAll("a")];
  let timer = 0, asking = new AbortController();

  // What comes while somebody is among the links leaves them where they are, or leads them back to what they typed.
  function show(...nodes) {
    const at = found.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    found.replaceChildren(...nodes);
    if (at !== null) (links().find((link) => link.getAttribute("href") === at) ?? field).focus();
  }

  // Shows what the panel finds; true when that is what is typed now.
  async function ask() {
    clearTimeout(timer);
    asking.abort();
    const { signal } = (asking = new AbortController());
    const answer = await fetch(`${found.dataset.found}?${new URLSearchParams({ text: field.value })}`, { signal, redirect: "manual" });
    if (!answer.ok || !answer.headers.has("x-headway-page") || otherness(answer)) throw new Error(String(answer.status));
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-part]");
    if (signal.aborted) return false;
    show(...part.childNodes);
    told.textContent = `${links().length} found`;
    return true;
  }

  const look = () => ask().catch((error) => {
    if (error.name !== "AbortError") show("This was not to be had. Enter asks for it as a page.");
  });

  function open() {
    if (document.querySelector("dialog[open]")) return;
    palette.showModal();
    field.select();
    look();
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, APART);
  });
  // Enter leads to the first of what is typed, however quickly; whoever has no session any more is led to sign in, and back.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      if ((await ask()) && links().length) location.assign(links()[0].href);
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    }
  });
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const stops = [field, ...links()], at = stops.indexOf(document.activeElement);
    stops[(Math.max(at, 0) + step + stops.length) % stops.length].focus();
  });
  palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    open();
  });
  for (const each of document.querySelectorAll("[data-palette]"))
    each.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open();
    });
}

document.querySelectorAll("#palette").forEach(offer);
