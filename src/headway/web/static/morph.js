// Puts another state of a part in its place, and keeps what somebody does there. Idiomorph is loaded before it.

import { tellAges } from "./ages.js";

// Whether somebody has put something into a field, or is at it.
export function isTyped(node) {
  if (node === document.activeElement && node.matches("input, select, textarea")) return true;
  if (node instanceof HTMLSelectElement)
    return node.selectedIndex !== Math.max(0, [...node.options].findIndex((each) => each.defaultSelected));
  if (node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement)
    return node.value !== node.defaultValue || Boolean(node.checked) !== Boolean(node.defaultChecked);
  return false;
}

const MORPH = {
  morphStyle: "outerHTML",
  callbacks: {
    beforeNodeMorphed: (old) => !isTyped(old),
    beforeAttributeUpdated: (name, node) => !(name === "open" && (node.localName === "details" || node.localName === "dialog")),
  },
};

// Whether the text is that part.
export function morph(part, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-part]");
  if (fresh === null || fresh.dataset.part !== part.dataset.part) return false;
  tellAges(fresh); // first, so that what says the same is left alone, and with it what is selected there
  globalThis.Idiomorph.morph(part, fresh, MORPH);
  if (fresh.dataset.title) document.title = fresh.dataset.title;
  return true;
}

// It is no more, which is said once for a page.
export function tellGone(part, sentence) {
  part.removeAttribute("data-pull");
  part.removeAttribute("data-live");
  const told = document.createElement("p");
  told.className = "empty";
  told.setAttribute("role", "status");
  told.textContent = sentence;
  if (document.querySelector("[data-gone]")) part.hidden = true;
  else part.replaceChildren(told);
  part.setAttribute("data-gone", "");
}
