// Makes ages of times: "3 min ago" of a moment, and "42 s" of what counts on. Loaded before the page is painted, for a text
// that changes its length moves what stands beside it. What is due yet is told in the zone of whoever reads: "in 3 h, Mon 30 Nov, 04:30".

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

const DUE = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

function due(seconds, at) {
  return seconds > 0 ? "now" : `in ${worded(Math.max(MINUTE, -seconds))}, ${DUE.format(at)}`;
}

export function tellAges(within) {
  const now = Date.now() + clock.ahead;
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
