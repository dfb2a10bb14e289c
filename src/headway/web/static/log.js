// The log of a page: takes over what the panel has written into it, and shows all of it. Without it there are windows, links and
// a search that are pages of their own.

import { local, zoneAt } from "./ages.js";
import { Finder } from "./log_find.js";
import { Lines } from "./log_lines.js";
import { made, Rows, Scroll } from "./log_scroll.js";

const KEPT = "headway-log"; // what somebody has chosen
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const OVER = { 401: "You are signed out. Sign in again to see what comes.", 403: "You may not see this log any more.", 404: "This log was removed." };

function chosen() {
  try {
    return { wrap: true, times: "", ...JSON.parse(localStorage.getItem(KEPT)) };
  } catch {
    return { wrap: true, times: "" };
  }
}

// The lines that an address names: #L1200 or #L1200-1260.
function named(text) {
  const found = /^#?L?(\d{1,12})(?:-L?(\d{1,12}))?$/.exec(text.trim());
  if (!found) return null;
  const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])].sort((one, other) => one - other);
  return first > 0 ? { first, last } : null;
}

const spans = (range) => (range.first === range.last ? `L${range.first}` : `L${range.first}-${range.last}`);

const dayOf = (at) => new Date(at).setHours(0, 0, 0, 0);

function lasted(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000)), two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60), rest = `${two(minutes % 60)}:${two(seconds % 60)}`;
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}:${rest}`;
}

class Log {
  constructor(view) {
    this.view = view;
    this.bar = view.querySelector("[data-log-bar]");
    this.chosen = chosen();
    this.marked = named(location.hash);
    this.lines = new Lines(view.dataset.lines, view.dataset.followLines, (what, status) => this.heard(what, status));
    this.finder = new Finder(view.dataset.find, this.lines, (line) => this.goTo(line), (text) => this.found(text));
    this.rows = null; // until the first lines are there the panel's own are shown
    const asked = Number(new URLSearchParams(location.search).get("line"));
    this.start = this.marked?.first ?? (Number.isInteger(asked) && asked > 0 ? asked : 0);
    // Whoever pulled this part before does not write over it.
    const at = document.activeElement;
    for (const part of [view.closest("[data-part]")]) part?.replaceWith(this.part = this.taken(part));
    if (this.part?.contains(at)) at.focus({ preventScroll: true });
    this.listen();
    if (document.visibilityState === "visible") this.lines.open();
  }

  taken(part) {
    const own = part.cloneNode(false);
    own.append(...part.childNodes);
    for (const name of ["data-pull", "data-live"]) own.removeAttribute(name);
    return own;
  }

  $(name) {
    return this.bar.querySelector(`[data-log-${name}]`);
  }

  listen() {
    this.$("times").querySelector("[value=clock]").textContent = `of day, ${zoneAt(new Date())}`;
    const on = (name, kind, act) => this.$(name).addEventListener(kind, act);
    on("wrap", "change", (event) => this.choose({ wrap: event.target.checked }));
    on("times", "change", (event) => this.choose({ times: event.target.value }));
    on("fold", "click", () => this.foldAll());
    on("first", "click", () => this.scroll.show(0, 0));
    on("end", "click", () => this.toEnd());
    on("next", "click", () => this.finder.next());
    on("previous", "click", () => this.finder.previous());
    on("clear", "click", () => this.endSearch());
    on("go", "submit", (event) => {
      event.preventDefault();
      const range = named(this.$("line").value);
      if (range) location.hash = spans(range);
      if (range && spans(range) === location.hash.slice(1)) this.follow(range);
    });
    this.field = this.part?.querySelector("[data-search]");
    this.field?.form.addEventListener("submit", (event) => this.search(event));
    this.ticks = [...(this.field?.form.querySelectorAll("[data-tick]") ?? [])];
    for (const tick of this.ticks) tick.addEventListener("change", () => this.rows !== null && this.field.value && this.runSearch());
    this.field?.addEventListener("keydown", (event) => event.key === "Enter" && event.shiftKey && this.searchBack(event));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.lines.open();
      else this.lines.close();
    });
    document.addEventListener("selectionchange", () => this.heedMarked());
    document.addEventListener("click", (event) => this.led(event));
    addEventListener("hashchange", () => {
      const range = named(location.hash);
      if (range) this.follow(range);
    });
  }

  // What the lines tell

  heard(what, status) {
    if (what === "anew") {
      this.finder.clear();
      this.found("");
      this.say("The log was begun anew.");
    } else if (what === "lost") {
      this.say(`Not connected since ${CLOCK.format(this.lines.lostAt)}. What was written is kept, and comes as soon as the panel answers.`);
    } else if (what === "gone") this.say(this.view.dataset.goneWords ?? OVER[404]);
    else if (what === "found") this.say("");
    else if (what === "over") this.say((status === 404 && this.view.dataset.goneWords) || (OVER[status] ?? "The log cannot be had."));
    if (this.rows === null) this.takeOver();
    else this.refresh();
  }

  takeOver() {
    const nothing = this.lines.ended && this.view.querySelector("[data-log-nothing]");
    if (nothing) nothing.textContent = "Nothing was written.";
    if (!this.lines.isKnown || this.lines.total === 0) return;
    const root = made("div", "log log-whole");
    Object.assign(root, { id: "log", tabIndex: 0 });
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", this.view.dataset.label);
    this.rows = new Rows(this.lines);
    const wasAt = [...this.view.children].some((old) => old !== this.bar && old.contains(document.activeElement));
    for (const old of [...this.view.children]) if (old !== this.bar) old.remove();
    document.getElementById("find")?.remove(); // what was found is told in the log itself
    this.view.append(root);
    this.root = root;
    this.scroll = new Scroll(root, this.rows, {
      draw: (number, row) => this.draw(number, row),
      head: (section) => this.head(section),
      looked: () => this.looked(),
    });
    root.addEventListener("click", (event) => this.pressed(event));
    root.addEventListener("keydown", (event) => this.keyed(event));
    root.addEventListener("scroll", () => this.tellFollow(), { passive: true });
    this.bar.hidden = false;
    this.apply();
    if (wasAt) root.focus({ preventScroll: true });
    if (this.start) this.goTo(Math.min(this.start, this.lines.total));
    else this.scroll.toEnd(this.lines.mayGrow);
    this.tellFollow();
    if (this.field?.value) this.runSearch();
  }

  // Takes up what has come, and stays at the line that is looked at.
  refresh() {
    const { anchor } = this.scroll, section = this.rows.section(anchor.row), line = this.rows.line(anchor.row);
    this.rows.refresh();
    if (line && line <= this.lines.total) anchor.row = this.rows.rowOf(line);
    else if (section?.step) anchor.row = this.rows.sections.find((each) => each.step?.name === section.step.name)?.begin ?? 0;
    this.scroll.later();
    this.tellFollow();
  }

  looked() {
    const { scroll, rows } = this, near = (row, step) => {
      for (let at = row; at >= scroll.first && at < scroll.last; at += step) if (rows.line(at)) return rows.line(at);
      return 0;
    };
    const first = near(scroll.first, 1), last = near(scroll.last - 1, -1);
    if (first && last) this.lines.want(first, last);
    this.finder.paint(this.root);
  }

  // Lines and headings

  draw(number, row) {
    const node = made("div", "log-line"), label = made("span", "log-number"), text = made("span", "log-text");
    label.dataset.n = number;
    node.append(label);
    if (this.chosen.times) node.append(this.time(row, this.lines.row(number - 1)));
    for (const [kind, words] of row?.runs ?? []) text.append(kind ? made("span", kind, words) : words);
    if (row === undefined) node.classList.add("log-missing");
    if (row?.cut) text.append(made("span", "log-cut", ` ${row.cut.toLocaleString()} bytes more are in the file`));
    node.append(text);
    node.classList.toggle("log-marked", this.marked !== null && number >= this.marked.first && number <= this.marked.last);
    node.classList.toggle("log-found", this.finder.set.has(number));
    node.classList.toggle("log-current", this.finder.at === number);
    return node;
  }

  time(row, before) {
    const node = made("span", "log-time");
    if (!row?.at) return node;
    const at = Date.parse(row.at), begun = Date.parse(this.lines.steps.find((each) => each.name === row.step)?.startedAt ?? "");
    const isOfDay = this.chosen.times !== "step" || Number.isNaN(begun);
    const told = isOfDay ? `${this.date(at, before)}${CLOCK.format(at)}` : `+${lasted(at - begun)}`;
    // When it was read late nobody knows when it was written: by then it was.
    node.textContent = row.caughtUp ? `≤ ${told}` : told;
    node.title = `${row.caughtUp ? "Written by " : ""}${local(new Date(at))}`;
    return node;
  }

  // The date, where a time of day alone would not tell which day it was of.
  date(at, before) {
    const day = dayOf(at);
    if (day === dayOf(Date.now()) && (!before?.at || day === dayOf(Date.parse(before.at)))) return "";
    if (!this.root.classList.contains("log-dated")) {
      this.root.classList.add("log-dated");
      this.scroll?.later(true); // what was drawn before has another width
    }
    return `${DATE.format(at)} `;
  }

  head({ step, isFolded, size }) {
    const node = made("div", "log-head"), button = made("button", "log-fold"), side = made("span", "log-side");
    button.type = "button";
    button.dataset.step = step.name;
    button.setAttribute("aria-expanded", String(!isFolded));
    button.append(made("bdi", "log-step", step.name));
    const begun = Date.parse(step.startedAt ?? ""), ended = Date.parse(step.finishedAt ?? "");
    const took = Number.isNaN(begun) || Number.isNaN(ended) ? "" : `${lasted(ended - begun)}, `;
    side.textContent = `${took}${size.toLocaleString()} ${size === 1 ? "line" : "lines"}`;
    button.append(side);
    node.append(button);
    return node;
  }

  pressed(event) {
    const number = event.target.closest(".log-number"), fold = event.target.closest(".log-fold");
    if (number) this.markFrom(Number(number.dataset.n), event.shiftKey);
    else if (fold) this.fold(fold.dataset.step);
  }

  // To both ends at once: a browser that glides there would be held up by what is drawn on its way.
  keyed(event) {
    if (!["Home", "End"].includes(event.key) || event.altKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (event.key === "End") this.toEnd();
    else this.scroll.show(0, 0);
    this.scroll.now();
    this.tellFollow();
  }

  fold(name) {
    const { folded } = this.rows, wasFocused = document.activeElement?.closest(".log-fold") !== null;
    if (!folded.delete(name)) folded.add(name);
    this.rows.refresh();
    const section = this.rows.sections.find((each) => each.step?.name === name);
    this.scroll.show(section.begin, Math.max(0, this.scroll.anchor.row <= section.begin ? this.topOf(name) : 0));
    if (wasFocused) requestAnimationFrame(() => this.root.querySelector(`.log-space [data-step="${CSS.escape(name)}"]`)?.focus({ preventScroll: true }));
    this.tellFollow();
  }

  // Where on the screen the heading of a step is.
  topOf(name) {
    const head = this.root.querySelector(`.log-space [data-step="${CSS.escape(name)}"]`);
    return head ? head.getBoundingClientRect().top - this.root.getBoundingClientRect().top : 0;
  }

  foldAll() {
    const names = this.lines.steps.map((each) => each.name), { folded } = this.rows;
    const isFolded = names.every((name) => folded.has(name));
    folded.clear();
    if (!isFolded) names.forEach((name) => folded.add(name));
    this.rows.refresh();
    this.scroll.show(0, 0);
    this.tellFollow();
  }

  // Where one looks

  goTo(line) {
    this.rows.refresh();
    this.scroll.later(true);
    this.scroll.show(this.rows.rowOf(line));
    this.tellFollow();
  }

  // What else on the page leads to a line, a step say, leads there without loading all of it anew.
  led(event) {
    const link = event.target.closest?.("a[href*='#L']"), range = link?.pathname === location.pathname ? named(link.hash) : null;
    if (!range || this.rows === null || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.hash === location.hash) this.follow(range);
    else location.hash = link.hash;
    this.root.scrollIntoView({ block: "nearest" });
    this.root.focus({ preventScroll: true });
  }

  follow(range) {
    this.marked = range;
    if (this.rows) this.goTo(Math.min(range.first, this.lines.total));
    else this.start = range.first;
  }

  markFrom(number, isRange) {
    const range = isRange && this.marked ? { first: Math.min(this.marked.first, number), last: Math.max(this.marked.first, number) } : { first: number, last: number };
    this.marked = range;
    history.replaceState(history.state, "", `#${spans(range)}`);
    this.scroll.later(true);
  }

  toEnd() {
    const last = this.rows.sections.at(-1);
    if (last?.isFolded) this.rows.folded.delete(last.step.name);
    this.rows.refresh();
    this.scroll.toEnd(this.lines.mayGrow);
    this.tellFollow();
  }

  // Whoever marks some of it to copy it is not taken on.
  heedMarked() {
    const marked = getSelection();
    if (!this.scroll?.follows || marked.isCollapsed || !marked.getRangeAt(0).intersectsNode(this.root)) return;
    this.scroll.follows = false;
    this.tellFollow();
  }

  tellFollow() {
    const button = this.$("end"), isLive = !this.lines.ended, { follows } = this.scroll;
    const label = !isLive ? "To the end" : follows ? "Following" : "Follow";
    if (button.lastElementChild.textContent !== label) button.lastElementChild.textContent = label;
    if (isLive) button.setAttribute("aria-pressed", String(follows));
    else button.removeAttribute("aria-pressed");
    const total = `${this.lines.total.toLocaleString()} ${this.lines.total === 1 ? "line" : "lines"}`;
    if (this.$("total").textContent !== total) this.$("total").textContent = total;
    this.$("fold").hidden = this.$("times").querySelector("[value=step]").hidden = this.lines.steps.length === 0;
    const isFolded = this.lines.steps.every((each) => this.rows.folded.has(each.name));
    this.$("fold").lastElementChild.textContent = isFolded ? "Unfold all steps" : "Fold all steps";
  }

  say(text) {
    const line = this.$("said");
    line.hidden = text === "";
    if (line.textContent !== text) line.textContent = text;
  }

  // Search

  search(event) {
    if (this.rows === null) return;
    event.preventDefault();
    if (this.field.value && this.isSought()) this.finder.next();
    else this.runSearch();
  }

  searchBack(event) {
    if (this.rows === null || !this.isSought()) return;
    event.preventDefault();
    this.finder.previous();
  }

  runSearch() {
    const text = this.field.value;
    if (!text) return this.endSearch();
    this.keepSearch();
    const first = this.rows.line(this.scroll.anchor.row) || 1;
    return this.finder.search(text, this.how(), this.scroll.follows ? 1 : first);
  }

  how() {
    return Object.fromEntries(this.ticks.map((tick) => [tick.name, tick.checked]));
  }

  isSought() {
    return this.field.value === this.finder.text && this.ticks.every((tick) => tick.checked === this.finder.how[tick.name]);
  }

  // In the address stands what is looked for, and how.
  keepSearch() {
    const address = new URL(location.href), asked = address.searchParams;
    for (const name of ["line", "after", this.field.name, ...this.ticks.map((tick) => tick.name)]) asked.delete(name);
    if (this.field.value) asked.set(this.field.name, this.field.value);
    for (const tick of this.ticks) if (tick.checked && this.field.value) asked.set(tick.name, "true");
    history.replaceState(history.state, "", address);
  }

  endSearch() {
    this.finder.clear();
    if (this.field) {
      this.field.value = "";
      this.keepSearch();
    }
    this.found("");
    this.scroll.later(true);
    this.root.focus({ preventScroll: true });
  }

  found(text) {
    this.$("found").hidden = text === "";
    if (this.$("count").textContent !== text) this.$("count").textContent = text;
    if (this.scroll) this.scroll.later(true);
  }

  // What somebody has chosen

  choose(what) {
    Object.assign(this.chosen, what);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.chosen));
    } catch {
      // it holds for this page, then
    }
    const wasAtEnd = this.scroll.isAtEnd;
    this.apply();
    this.scroll.later(true);
    if (wasAtEnd) this.scroll.toEnd(this.scroll.follows);
  }

  apply() {
    this.$("wrap").checked = this.chosen.wrap;
    this.$("times").value = this.chosen.times;
    this.root.classList.toggle("log-unwrapped", !this.chosen.wrap);
    this.root.classList.toggle("log-timed", this.chosen.times !== "");
    this.root.classList.remove("log-dated"); // until a line is drawn that has a date
  }
}

document.querySelectorAll("[data-log]").forEach((view) => new Log(view));
