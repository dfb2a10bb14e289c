// Keeps a page true while somebody looks at it: pulls its parts when the panel tells that they changed, lets ages grow, and
// follows the end of a log. Everything on a page reads and works without it. Idiomorph is loaded before it.

import { clock, tellAges } from "./ages.js";
import "./copy.js";
import { ago, moment, NEVER } from "./elapsed.js";
import "./form_work.js";
import "./keys.js";
import { LiveStream } from "./live_stream.js";
import { isHeld, toOwnEnds } from "./log_end.js";
import { morph, tellGone } from "./morph.js";
import "./palette.js";
import { loadAnew, otherness, UPDATED } from "./whose.js";

const QUICK = 3_000, TOLD = 30_000, SLOW = 60_000; // milliseconds from one look at a part to the next, where nothing calls for one
const APART = 250, SILENCE = 30_000, DOUBT = 4_000, PATIENCE = 10_000, HIDDEN = 2_000, THERE = 30_000, MOST_TOPICS = 16;
// Of a part: the tag of what it shows, when it was asked for, whether it is now, and the revision of the change that it is
// wanted for; null where it is wanted as it is now.
const states = new WeakMap();
let heard = moment(); // when the panel last answered
let doubted = NEVER; // when it first did not, after that
let over = false; // nobody is signed in any more
let moved = moment(); // when somebody last did something here
const loaded = moment();
let latest = null; // the revision of the last change that was told
// Pages that were told of the same change, or loaded at the same moment, do not all look again at once.
const chance = Math.random(), pace = 0.8 + chance * 0.4, easy = 0.5 + chance;

const parts = () => [...document.querySelectorAll("[data-pull]")];
const isVisible = () => document.visibilityState === "visible";

// Parts

function show(part, text) {
  const was = "live" in part.dataset;
  if (!morph(part, text)) return;
  toOwnEnds(part);
  if (was !== "live" in part.dataset) askAll(); // it began or ended, which other parts tell of too
}

function stateOf(part) {
  if (!states.has(part)) states.set(part, { tag: null, at: null, busy: false, wanted: false, told: null, timer: null });
  return states.get(part);
}

// Pulls a part as soon as may be: one pull of it at a time, and none sooner after the last.
function want(part, told = null) {
  const state = stateOf(part);
  if (over || isHeld(part)) return;
  state.told = state.wanted && state.told === null ? null : told;
  state.wanted = true;
  if (state.busy || state.timer !== null) return;
  state.timer = setTimeout(() => {
    state.timer = null;
    if (isVisible() && part.isConnected && part.dataset.pull && !isHeld(part)) pull(part, state);
  }, Math.max(0, APART - ago(state.at ?? NEVER)));
}

async function pull(part, state) {
  if (state.busy || over) return;
  Object.assign(state, { busy: true, wanted: false, at: moment() });
  try {
    const headers = { ...(state.tag && { "if-none-match": state.tag }), ...(state.told && { "x-headway-told": state.told }) };
    const answer = await fetch(part.dataset.pull, {
      headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE),
    });
    // What stands before the panel may answer in its place, and knows nothing of who is signed in or what was removed.
    if (answer.status >= 500 || answer.status === 429 || !answer.headers.has("x-headway-page"))
      throw new Error(String(answer.status));
    const text = answer.ok ? await answer.text() : "";
    tellHeard(Date.parse(answer.headers.get("date")));
    const other = otherness(answer);
    if (answer.status === 401) tellOver();
    else if (other) tellOther(other);
    else if (answer.status === 404 || answer.status === 410) tellGone(part, document.body.dataset.goneWords ?? "This was removed.");
    else if (answer.status === 403) tellGone(part, "You may not see this any more.");
    else if (answer.ok && part.isConnected && !isHeld(part)) {
      state.tag = answer.headers.get("etag");
      show(part, text);
    }
  } catch {
    doubt();
  } finally {
    state.busy = false;
    if (state.wanted) want(part, state.told);
  }
}

const askAll = () => isVisible() && parts().forEach((part) => want(part));

const words = (text) => (text ?? "").split(" ").filter(Boolean);
const topicsOf = (part) => words(part.dataset.topic ?? document.body.dataset.topics);

// How many milliseconds a part is left alone where nobody tells that it changed. Nobody tells of the lines of a log, and few are behind whom one waits.
function restOf(part) {
  if (part.dataset.every) return part.dataset.every * 1_000 * pace;
  const isLive = "live" in part.dataset;
  const isTold = topicsOf(part).length > 0 && part.querySelector("[data-follow]") === null;
  if (isTold && stream.isOpen) return (isLive ? TOLD : SLOW) * easy;
  if (isLive || !clock.counts || (!stream.isOpen && ago(moved) < THERE)) return QUICK * pace;
  return (isTold ? TOLD : SLOW) * easy; // whoever only looks on in a window beside others still sees what is true soon
}

// Whoever hears of each change takes what others were shown after the last one.
function askDue() {
  const known = stream.isOpen ? latest : null;
  for (const part of parts()) if (ago(states.get(part)?.at ?? loaded) >= restOf(part)) want(part, known);
}

// What the panel tells

const stream = new LiveStream({
  opened: askAll,
  changed: (topics, revision) => {
    tellHeard(NaN);
    latest = revision;
    if (!isVisible()) return;
    for (const part of parts()) if (topicsOf(part).some((topic) => topics.includes(topic))) want(part, revision);
  },
  beat: (now) => tellHeard(now),
  over: tellOver,
  lost: (isSilent) => isSilent && (doubt(), askAll()), // who speaks no more may answer yet
});
let leaving = null; // the timer that closes it

function listen() {
  clearTimeout(leaving);
  if (!isVisible()) {
    leaving = setTimeout(() => stream.close(), HIDDEN);
    return;
  }
  const shown = parts();
  const topics = shown.length ? [...words(document.body.dataset.topics), ...shown.flatMap(topicsOf)] : [];
  if (!over) stream.open([...new Set(topics)].slice(0, MOST_TOPICS));
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
  heard = moment();
  if (!Number.isNaN(at)) clock.ahead = Math.abs(at - heard.wall) < 2_000 ? 0 : at - heard.wall;
  clock.counts = true;
  if ("stale" in document.documentElement.dataset) {
    delete document.documentElement.dataset.stale;
    tell("");
    askAll();
  }
}

function doubt() {
  if (clock.counts) doubted = moment();
  clock.counts = false;
}

function tellSilence() {
  const since = new Date(heard.wall);
  if (clock.counts || over || ago(heard) < SILENCE || ago(doubted) < DOUBT) return;
  document.documentElement.dataset.stale = "";
  const isToday = since.toDateString() === new Date().toDateString();
  tell(`Not heard from the panel since ${isToday ? since.toLocaleTimeString() : since.toLocaleString()}.`);
}

// What is shown is asked for no more.
function end(text, href, words) {
  over = true;
  stream.close();
  document.documentElement.dataset.stale = "";
  const link = document.createElement("a");
  Object.assign(link, { href, textContent: words });
  tell(text, link);
}

function tellOver() {
  end("You are signed out.", `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`, "Sign in again");
}

function tellOther(text) {
  end(text, location.pathname + location.search, "Load this page again");
  if (text === UPDATED && ago(moved) > THERE) loadAnew();
}

// Who looks

document.querySelector("[data-focus]")?.focus({ preventScroll: true });
for (const kind of ["pointermove", "pointerdown", "keydown", "scroll"])
  document.addEventListener(kind, () => (moved = moment()), { capture: true, passive: true });
const look = () => [listen(), askAll()];
document.addEventListener("visibilitychange", look);
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => event.persisted && (over ? location.reload() : look()));
listen();
setInterval(() => {
  if (!isVisible()) return;
  tellAges(document);
  if (over) return;
  stream.watch();
  listen(); // a part may have come or gone
  askDue();
  tellSilence();
}, 1_000);
