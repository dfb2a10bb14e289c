// Seats for what stays open: a browser opens six connections to a panel that speaks HTTP/1.1, for all of its tabs together, and
// with a stream on each of them it could load no page any more. Who gets no seat looks by itself.

const MOST = 4, LASTS = 15_000, AGAIN = 5_000; // seats; milliseconds for which a page is believed, and after which it says so again
const KEPT = "headway-streams";
const isShort = !/^h[23]/.test(performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");
const me = Math.random().toString(36).slice(2);
const held = new Set(); // what stays open here

// How many seats each other page has. A page that ended without a word is believed no longer than a while.
function others() {
  const now = Date.now(), all = JSON.parse(localStorage.getItem(KEPT)) ?? {};
  return Object.fromEntries(Object.entries(all).filter(([page, { until }]) => page !== me && until > now && until <= now + LASTS));
}

function tell() {
  try {
    const mine = held.size ? { [me]: { seats: held.size, until: Date.now() + LASTS } } : {};
    localStorage.setItem(KEPT, JSON.stringify({ ...others(), ...mine }));
  } catch {
    // nobody can be told
  }
}

function taken() {
  try {
    return Object.values(others()).reduce((sum, { seats }) => sum + seats, held.size);
  } catch {
    return held.size;
  }
}

// Whether it may stay open, until it is left.
export function take(what) {
  if (isShort && taken() >= MOST) return false;
  held.add(what);
  tell();
  return true;
}

export function leave(what) {
  if (held.delete(what)) tell();
}

setInterval(() => held.size && tell(), AGAIN);
