// The end of a log that is written into a page as it is: what is shown of it follows its end until somebody scrolls back, or marks
// some of it to copy it.

const NEAR = 8; // pixels from the end that count as it
// Whoever reads further back keeps the lines that are there: they are shown what came when they are at its end again.
const lookedBackIn = new WeakSet(); // the logs that somebody has scrolled away from their ends

const isAtEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
const toEnd = (log) => (log.scrollTop = log.scrollHeight);
const logsOf = (within) => [...within.querySelectorAll("[data-follow]")];

function isMarkedIn(log) {
  const marked = getSelection();
  return marked !== null && !marked.isCollapsed && marked.getRangeAt(0).intersectsNode(log);
}

const isPaused = (log) => lookedBackIn.has(log) || isMarkedIn(log);
export const isHeld = (part) => logsOf(part).some(isPaused);
export const toOwnEnds = (part) => logsOf(part).forEach((log) => lookedBackIn.has(log) || toEnd(log));

function goOn(log) {
  if (isMarkedIn(log)) getSelection().removeAllRanges();
  toEnd(log);
  noteLook(log);
  log.focus({ preventScroll: true });
}

// What stands still says so, and since when. Behind the log, so that nothing of it moves.
function tellPause(log) {
  const line = log.nextElementSibling?.matches("[data-paused]") ? log.nextElementSibling : null;
  const isTold = isPaused(log) && log.closest("[data-pull]") !== null;
  if (isTold === (line !== null)) return;
  if (line !== null) return line.remove();
  const told = document.createElement("p"), button = document.createElement("button");
  told.className = "log-said log-paused tone-unknown";
  told.setAttribute("role", "status");
  told.setAttribute("data-paused", "");
  Object.assign(button, { type: "button", className: "button", textContent: "Go on" });
  button.addEventListener("click", () => goOn(log));
  told.append(`Paused at ${new Date().toLocaleTimeString()}. `, button);
  log.after(told);
}

function noteLook(log) {
  if (isAtEnd(log)) lookedBackIn.delete(log);
  else lookedBackIn.add(log);
  tellPause(log);
}

function noteScroll(event) {
  if (event.target instanceof Element && event.target.matches("[data-follow]")) noteLook(event.target);
}

// The address of a line is had by its number. It is no link: a log would be hundreds of stops for who goes by the keyboard.
function nameLine(event) {
  const number = event.target.closest?.(".log-number");
  if (number?.parentElement.id) location.hash = number.parentElement.id;
}

if (/^#L\d+$/.test(location.hash)) logsOf(document).forEach(noteLook);
else document.querySelectorAll("[data-follow], [data-end]").forEach(toEnd);
document.addEventListener("scroll", noteScroll, { capture: true, passive: true });
document.addEventListener("selectionchange", () => logsOf(document).forEach(tellPause));
document.addEventListener("click", nameLine);
