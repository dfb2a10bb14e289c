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
    beforeAttributeUpdated: (name, node) =>
      !(name === "open" && (node.localName === "details" || node.localName === "dialog")) && !(name === "tabindex" && "part" in node.dataset),
  },
};

// Gives each row and each action of a part a name, by what it leads to: one that comes, goes or moves is so never made of another one,
// with the focus or the press that was meant for that.
function name(part) {
  const taken = new Set();
  for (const each of part.querySelectorAll("tr:not([id]), .actions a[href]:not([id])")) {
    const href = each.closest("a")?.getAttribute("href") ?? each.querySelector(".cell-main a[href]")?.getAttribute("href");
    const id = `${part.dataset.part}-${each.localName}-${href}`.replace(/["\\\s]/g, "_");
    if (href === undefined || taken.has(id)) continue;
    taken.add(id);
    each.id = id;
  }
}

// Whoever was within a part stays there: at the same thing, or where that is gone at the part.
function stay(part, at) {
  if (at === document.activeElement) return;
  if (!part.contains(at)) part.tabIndex = -1;
  (part.contains(at) ? at : part).focus({ preventScroll: true });
}

// Whether the text is that part.
export function morph(part, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-part]");
  if (fresh === null || fresh.dataset.part !== part.dataset.part) return false;
  tellAges(fresh); // first, so that what says the same is left alone, and with it what is selected there
  const at = part.contains(document.activeElement) ? document.activeElement : null;
  [part, fresh].forEach(name);
  globalThis.Idiomorph.morph(part, fresh, MORPH);
  if (fresh.dataset.title) document.title = fresh.dataset.title;
  if (at) stay(part, at);
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
  const wasAt = part.contains(document.activeElement);
  if (document.querySelector("[data-gone]")) part.hidden = true;
  else part.replaceChildren(told);
  part.setAttribute("data-gone", "");
  if (!wasAt) return;
  const stays = document.querySelector("[data-gone]:not([hidden])");
  stays.tabIndex = -1;
  stays.focus({ preventScroll: true });
}
