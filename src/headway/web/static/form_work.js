// A form that has been sent says that it is at work, and is not sent twice. What takes files says before which are too large.

const SOON = 300, LATE = 120_000; // milliseconds until it says so, and after which it may be sent again whatever became of it
const working = new Map(); // forms that were sent: what takes it back

function rest(form) {
  working.get(form)?.();
  working.delete(form);
}

function work(form, button) {
  const words = button?.querySelector("span"), was = words?.textContent, told = document.createElement("span");
  told.className = "unseen";
  told.setAttribute("role", "status");
  form.append(told);
  button?.setAttribute("aria-busy", "true");
  const soon = setTimeout(() => {
    told.textContent = "Working …";
    if (words) words.textContent = "Working …";
  }, SOON);
  const late = setTimeout(() => rest(form), LATE);
  working.set(form, () => {
    [soon, late].forEach(clearTimeout);
    told.remove();
    button?.removeAttribute("aria-busy");
    if (words) words.textContent = was;
  });
}

// The last to hear of it: whoever has a way of their own to send a form has said so by then.
addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if (working.has(form)) event.preventDefault();
  else work(form, event.submitter ?? form.querySelector("button[type=submit]"));
});
addEventListener("keydown", (event) => event.key === "Escape" && [...working.keys()].forEach(rest)); // which stops what is loading
addEventListener("pageshow", () => [...working.keys()].forEach(rest));

document.addEventListener("change", (event) => {
  const field = event.target, most = Number(field.dataset?.mostBytes);
  if (!most) return;
  const isLarge = [...field.files].some((each) => each.size > most);
  field.setCustomValidity(isLarge ? `This file is larger than ${field.dataset.mostWords}: it would be refused.` : "");
  field.reportValidity();
});
