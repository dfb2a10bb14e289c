// Keys: ? tells of all, / leads to the search field, and a letter after g to a place. The sheet of the layout says which.

const SEQUENCE = 1_000; // milliseconds between two keys
const KEPT = "headway-keys"; // whether they are off
const sheet = document.getElementById("keys");
let began = 0; // when g was pressed

function placeOf(letter) {
  for (const each of document.querySelectorAll("[data-letter]")) if (each.dataset.letter === letter) return each.dataset.href;
  return undefined;
}

function press(event) {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.repeat || sheet?.open) return;
  if (at.isContentEditable || ["input", "select", "textarea"].includes(at.localName)) return;
  const place = Date.now() - began < SEQUENCE ? placeOf(event.key) : undefined;
  began = event.key === "g" ? Date.now() : 0;
  const field = event.key === "/" ? document.querySelector("[data-search]") : null;
  const asked = event.key === "?" && sheet !== null;
  if (field === null && place === undefined && !asked) return;
  event.preventDefault();
  if (place !== undefined) location.assign(place);
  else if (asked) sheet.showModal();
  else field.focus();
}

// What was chosen; a browser may keep nothing, and then it holds for this page.
function kept() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

function keep(on) {
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // see above
  }
}

// Keys of one letter can be turned off: who speaks to a computer presses them without meaning to.
function offerKeys(line) {
  const button = line.querySelector("button");
  let isOn = kept();
  const set = () => {
    document[isOn ? "addEventListener" : "removeEventListener"]("keydown", press);
    button.textContent = isOn ? "Turn off" : "Turn on";
  };
  button.addEventListener("click", () => {
    isOn = !isOn;
    keep(isOn);
    set();
  });
  set();
  line.hidden = false;
}

// A menu opens and closes by itself; what is beside it, and Escape, close it too.
function closeMenu(menu) {
  addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget !== null && !menu.contains(event.relatedTarget)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

document.querySelectorAll("[data-keys]").forEach(offerKeys);
document.querySelectorAll("[data-menu]").forEach(closeMenu);
