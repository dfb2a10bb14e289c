// Keeps a page true while somebody looks at it: pulls its parts, lets ages grow, and follows the end of a log. Everything on a
// page reads and works without it. Idiomorph is loaded before it.

import { clock, tellAges } from "./ages.js";
import "./keys.js";

const QUICK = 3_000, SLOW = 60_000, SILENCE = 30_000, PATIENCE = 10_000; // milliseconds
const NEAR = 8; // pixels from a log's end that count as its end
const states = new WeakMap(); // of a part: the tag of what it shows, when it was asked for, and whether it is now
let heard = Date.now(); // when the panel last answered
let over = false; // nobody is signed in any more
const loaded = Date.now();

const parts = () => [...document.querySelectorAll("[data-pull]")];
const isVisible = () => document.visibilityState === "visible";

// Parts

// Whether somebody has put something into a field, or is at it.
function isTyped(node) {
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

function show(part, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-part]");
  if (fresh === null || fresh.dataset.part !== part.dataset.part) return;
  tellAges(fresh); // first, so that what says the same is left alone, and with it what is selected there
  const was = "live" in part.dataset;
  globalThis.Idiomorph.morph(part, fresh, MORPH);
  part.querySelectorAll("[data-follow]").forEach((log) => lookedBackIn.has(log) || toEnd(log));
  if (was !== "live" in part.dataset) askAll(); // it began or ended, which other parts tell of too
}

function tellGone(part, sentence) {
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

async function pull(part) {
  const state = states.get(part) ?? { tag: null, at: 0, busy: false };
  states.set(part, state);
  if (state.busy || over) return;
  Object.assign(state, { busy: true, at: Date.now() });
  try {
    const headers = state.tag ? { "if-none-match": state.tag } : {};
    const answer = await fetch(part.dataset.pull, {
      headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE),
    });
    // What stands before the panel may answer in its place, and knows nothing of who is signed in or what was removed.
    if (answer.status >= 500 || answer.status === 429 || !answer.headers.has("x-headway-page"))
      throw new Error(String(answer.status));
    const text = answer.ok ? await answer.text() : "";
    tellHeard(Date.parse(answer.headers.get("date")));
    if (answer.status === 401) tellOver();
    else if (answer.status === 404 || answer.status === 410) tellGone(part, "This was removed.");
    else if (answer.status === 403) tellGone(part, "You may not see this any more.");
    else if (answer.ok && part.isConnected && !isLookedBackIn(part)) {
      state.tag = answer.headers.get("etag");
      show(part, text);
    }
  } catch {
    clock.counts = false;
  } finally {
    state.busy = false;
  }
}

const askAll = () => isVisible() && parts().forEach((part) => isLookedBackIn(part) || pull(part));

function askDue() {
  const now = Date.now();
  for (const part of parts()) {
    if (isLookedBackIn(part)) continue;
    const every = "live" in part.dataset || !clock.counts ? QUICK : SLOW;
    if (now - (states.get(part)?.at ?? loaded) >= every) pull(part);
  }
}

// What is told of the panel itself

function tell(text, link) {
  const line = document.getElementById("stale");
  if (line.dataset.said === text) return;
  line.dataset.said = text;
  line.replaceChildren(text, ...(link ? [" ", link] : []));
  line.hidden = text === "";
}

function tellHeard(at) {
  if (over) return;
  heard = Date.now();
  if (!Number.isNaN(at)) clock.ahead = Math.abs(at - heard) < 2_000 ? 0 : at - heard;
  clock.counts = true;
  if ("stale" in document.documentElement.dataset) {
    delete document.documentElement.dataset.stale;
    tell("");
    askAll();
  }
}

function tellSilence() {
  if (clock.counts || over || Date.now() - heard < SILENCE) return;
  document.documentElement.dataset.stale = "";
  tell(`Not heard from the panel since ${new Date(heard).toLocaleTimeString()}.`);
}

function tellOver() {
  over = true;
  document.documentElement.dataset.stale = "";
  const link = document.createElement("a");
  link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = "Sign in again";
  tell("You are signed out.", link);
}

// The end of a log

const isAtEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
// Whoever reads further back keeps the lines that are there: they are shown what came when they are at its end again.
const lookedBackIn = new WeakSet(); // the logs that somebody has scrolled away from their ends
const isLookedBackIn = (part) => [...part.querySelectorAll("[data-follow]")].some((log) => lookedBackIn.has(log));
const toEnd = (log) => (log.scrollTop = log.scrollHeight);

function noteLook(log) {
  if (isAtEnd(log)) lookedBackIn.delete(log);
  else lookedBackIn.add(log);
}

function noteScroll(event) {
  if (event.target instanceof Element && event.target.matches("[data-follow]")) noteLook(event.target);
}

// The address of a line is had by its number. It is no link: a log would be hundreds of stops for who goes by the keyboard.
function nameLine(event) {
  const number = event.target.closest?.(".log-number");
  if (number?.parentElement.id) location.hash = number.parentElement.id;
}

if (/^#L\d+$/.test(location.hash)) document.querySelectorAll("[data-follow]").forEach(noteLook);
else document.querySelectorAll("[data-follow], [data-end]").forEach(toEnd);
document.addEventListener("scroll", noteScroll, { capture: true, passive: true });
document.querySelector("[data-focus]")?.focus({ preventScroll: true });
document.addEventListener("click", nameLine);
document.addEventListener("visibilitychange", askAll);
addEventListener("pageshow", (event) => event.persisted && askAll());
setInterval(() => {
  if (!isVisible()) return;
  tellAges(document);
  if (over) return;
  askDue();
  tellSilence();
}, 1_000);
