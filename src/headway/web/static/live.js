// Keeps a page true while somebody looks at it: pulls its parts, makes ages of times, follows a log's end, and knows some
// keys. Everything on a page reads and works without it. Idiomorph is loaded before.

const QUICK = 3_000, SLOW = 60_000, SILENCE = 30_000, PATIENCE = 10_000, SEQUENCE = 1_000;
const MINUTE = 60, HOUR = 3_600, DAY = 86_400;
const NEAR = 8; // pixels from a log's end that count as its end
const states = new WeakMap(); // of a part: the tag of what it shows, when it was asked for, and whether it is now
let heard = Date.now(); // when the panel last answered
let skew = 0; // what its clock is ahead of ours, in milliseconds
let failing = false, over = false;

const parts = () => [...document.querySelectorAll("[data-pull]")];
const isVisible = () => document.visibilityState === "visible";

// Ages

function worded(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  return whole < 2 * DAY ? `${Math.floor(whole / HOUR)} h` : `${Math.floor(whole / DAY)} d`;
}

function counted(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), two = (number) => String(number).padStart(2, "0");
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${two(whole % MINUTE)} s`;
  return `${Math.floor(whole / HOUR)} h ${two(Math.floor((whole % HOUR) / MINUTE))} min`;
}

function tellAges(within) {
  const now = Date.now() + skew;
  for (const each of within.querySelectorAll("time[data-age]")) {
    const seconds = (now - Date.parse(each.dateTime)) / 1_000;
    const counts = each.dataset.age === "elapsed";
    // What counts on says that it still runs, which a page that hears nothing does not know.
    if (Number.isNaN(seconds) || (counts && failing && within === document)) continue;
    const ago = seconds < 10 ? "just now" : `${worded(seconds < MINUTE ? Math.floor(seconds / 10) * 10 : seconds)} ago`;
    const text = counts ? counted(seconds) : ago;
    if (each.textContent !== text) each.textContent = text;
  }
}

// Parts

function isTyped(node) {
  if (node instanceof HTMLSelectElement) return [...node.options].some((each) => each.selected !== each.defaultSelected);
  if (node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement)
    return node.value !== node.defaultValue || Boolean(node.checked) !== Boolean(node.defaultChecked);
  return false;
}

const MORPH = {
  morphStyle: "outerHTML",
  ignoreActiveValue: true,
  callbacks: {
    beforeNodeMorphed: (old) => !isTyped(old),
    beforeAttributeUpdated: (name, node) => !(name === "open" && (node.localName === "details" || node.localName === "dialog")),
  },
};

function show(part, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-part]");
  if (fresh === null || fresh.dataset.part !== part.dataset.part) return;
  tellAges(fresh); // first, so that what says the same is left alone, and with it what is selected there
  const atEnd = [...part.querySelectorAll("[data-follow]")].filter(isAtEnd).map((log) => log.id);
  const was = "live" in part.dataset;
  globalThis.Idiomorph.morph(part, fresh, MORPH);
  for (const id of atEnd) toEnd(document.getElementById(id));
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
    if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
    const text = answer.ok ? await answer.text() : "";
    tellHeard(Date.parse(answer.headers.get("date")));
    if (answer.status === 401 || answer.type === "opaqueredirect") tellOver();
    else if (answer.status === 404 || answer.status === 410) tellGone(part, "This was removed.");
    else if (answer.status === 403) tellGone(part, "You may not see this any more.");
    else if (answer.ok && part.isConnected) {
      state.tag = answer.headers.get("etag");
      show(part, text);
    }
  } catch {
    failing = true;
  } finally {
    state.busy = false;
  }
}

const askAll = () => isVisible() && parts().forEach(pull);

function askDue() {
  const now = Date.now();
  for (const part of parts()) {
    const every = "live" in part.dataset || failing ? QUICK : SLOW;
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
  heard = Date.now();
  if (!Number.isNaN(at)) skew = Math.abs(at - heard) < 2_000 ? 0 : at - heard;
  failing = false;
  if ("stale" in document.documentElement.dataset) {
    delete document.documentElement.dataset.stale;
    tell("");
    askAll();
  }
}

function tellSilence() {
  if (!failing || over || Date.now() - heard < SILENCE) return;
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
const toEnd = (log) => log && (log.scrollTop = log.scrollHeight);

// Keys

const PLACES = { d: "/deployments", h: "/" };
let began = 0; // when g was pressed

function press(event) {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.repeat) return;
  if (at.isContentEditable || ["input", "select", "textarea"].includes(at.localName)) return;
  const place = Date.now() - began < SEQUENCE ? PLACES[event.key] : undefined;
  began = event.key === "g" ? Date.now() : 0;
  const field = event.key === "/" ? document.querySelector("[data-search]") : null;
  if (field === null && place === undefined) return;
  event.preventDefault();
  if (place !== undefined) location.assign(place);
  else field.focus();
}

// Keys of one letter can be turned off: who speaks to a computer presses them without meaning to.
function offerKeys(line) {
  const button = line.querySelector("button"), kept = "headway-keys";
  const set = (on) => {
    document[on ? "addEventListener" : "removeEventListener"]("keydown", press);
    button.textContent = on ? "Turn off" : "Turn on";
  };
  button.addEventListener("click", () => {
    localStorage.setItem(kept, localStorage.getItem(kept) === "off" ? "on" : "off");
    set(localStorage.getItem(kept) !== "off");
  });
  set(localStorage.getItem(kept) !== "off");
  line.hidden = false;
}

const loaded = Date.now();
tellAges(document);
if (!location.hash) document.querySelectorAll("[data-follow]").forEach(toEnd);
document.querySelector("[data-focus]")?.focus({ preventScroll: true });
document.querySelectorAll("[data-keys]").forEach(offerKeys);
document.addEventListener("visibilitychange", askAll);
addEventListener("pageshow", (event) => event.persisted && askAll());
setInterval(() => {
  if (!isVisible()) return;
  tellAges(document);
  if (over) return;
  askDue();
  tellSilence();
}, 1_000);
