// The end of a log that is written into a page as it is: what is shown of it follows its end until somebody scrolls back.

const NEAR = 8; // pixels from the end that count as it
// Whoever reads further back keeps the lines that are there: they are shown what came when they are at its end again.
const lookedBackIn = new WeakSet(); // the logs that somebody has scrolled away from their ends

const isAtEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
const toEnd = (log) => (log.scrollTop = log.scrollHeight);
export const isLookedBackIn = (part) => [...part.querySelectorAll("[data-follow]")].some((log) => lookedBackIn.has(log));
export const toOwnEnds = (part) => part.querySelectorAll("[data-follow]").forEach((log) => lookedBackIn.has(log) || toEnd(log));

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
document.addEventListener("click", nameLine);
