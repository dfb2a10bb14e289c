// Keys: / leads to the search field, g d to the deployments, g h home. Each page says so at its foot.

const SEQUENCE = 1_000; // milliseconds between two keys
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

document.querySelectorAll("[data-keys]").forEach(offerKeys);
