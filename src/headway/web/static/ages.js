// Makes ages of times: "3 min ago" of a moment, and "42 s" of what counts on. Loaded before the page is painted, for a text
// that changes its length moves what stands beside it. Times are told in the zone of whoever reads, "29 Nov 2026, 07:03:04 EST", and in
// their titles in UTC too.

const MINUTE = 60, HOUR = 3_600, DAY = 86_400;
export const clock = { ahead: 0, counts: true }; // what the panel's clock is ahead of ours, in milliseconds; whether it is heard

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

const OF_DAY = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DUE = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", ...OF_DAY });
const WHOLE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", second: "2-digit", ...OF_DAY });
// Each kind of English knows the names of its own zones, and tells others by their distance.
const ZONES = ["en-GB", "en-US", "en-AU"].map((language) => new Intl.DateTimeFormat(language, { timeZoneName: "short" }));

export function zoneAt(at) {
  const names = ZONES.map((each) => each.formatToParts(at).find(({ type }) => type === "timeZoneName").value);
  return names.find((name) => !/^(GMT|UTC)[+-]/.test(name)) ?? names[0];
}

export const local = (at) => `${WHOLE.format(at)} ${zoneAt(at)}`;

function due(seconds, at) {
  return seconds > 0 ? "now" : `in ${worded(Math.max(MINUTE, -seconds))}, ${DUE.format(at)} ${zoneAt(at)}`;
}

// What the panel has written in UTC.
function tellZone(time) {
  const at = new Date(time.dateTime), { textContent: utc, title } = time;
  time.dataset.zoned = "";
  if (Number.isNaN(at.getTime()) || zoneAt(at) === "UTC") return;
  if ("age" in time.dataset) time.title = title.replace(/\d.* UTC$/, (told) => `${local(at)} (${told})`);
  else Object.assign(time, { textContent: local(at), title: utc });
}

export function tellAges(within) {
  const now = Date.now() + clock.ahead;
  within.querySelectorAll("time:not([data-zoned])").forEach(tellZone);
  for (const each of within.querySelectorAll("time[data-age]")) {
    const seconds = (now - Date.parse(each.dateTime)) / 1_000;
    const counts = each.dataset.age === "elapsed";
    // What counts on says that it still runs, which a page that hears nothing does not know.
    if (Number.isNaN(seconds) || (counts && !clock.counts && within === document)) continue;
    const ago = seconds < 10 ? "just now" : `${worded(seconds < MINUTE ? Math.floor(seconds / 10) * 10 : seconds)} ago`;
    const text = each.dataset.age === "due" ? due(seconds, new Date(each.dateTime)) : counts ? `${each.dataset.verb ? `${each.dataset.verb} for ` : ""}${counted(seconds)}` : ago;
    if (each.textContent !== text) each.textContent = text;
  }
}

tellAges(document);
