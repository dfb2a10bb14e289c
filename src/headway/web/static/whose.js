// Whose a page is, and of which files of ours: an answer to somebody else, or of another version, is shown on none.

import { isTyped } from "./morph.js";

const KEPT = "headway-loaded-anew", REST = 3_600_000; // when a page was, and milliseconds until it may be once more
const files = new URL(import.meta.url).pathname.split("/")[2];
const me = document.body.dataset.me ?? "";
export const UPDATED = "Headway was updated.";

// Why an answer is not for this page, "" where it is.
export function otherness(answer) {
  const [person, place] = (answer.headers.get("x-headway-me") ?? me).split(".");
  if (person !== me.split(".")[0]) return "Somebody else is signed in now.";
  if (place !== me.split(".")[1]) return "You look at another organisation now.";
  return (answer.headers.get("x-headway-files") ?? files) === files ? "" : UPDATED;
}

// Loads a page anew in which nothing is typed: seldom, for two versions that answer in turns would have it load on and on.
export function loadAnew() {
  const isTypedIn = [...document.querySelectorAll("input, select, textarea")].some(isTyped);
  try {
    const wasJust = Date.now() - Number(sessionStorage.getItem(KEPT)) < REST;
    if (isTypedIn || wasJust || document.querySelector("dialog[open]")) return;
    sessionStorage.setItem(KEPT, Date.now());
    location.reload();
  } catch {
    // it cannot be known whether it was
  }
}
