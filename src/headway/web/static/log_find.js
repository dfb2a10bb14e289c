// Looks for a text in all of a log: the panel says which lines have it, and one goes from each to the next.

const PATIENCE = 15_000; // milliseconds
const HEADERS = { "x-headway-page": "1" };
const MARK = "log-hit";

const plural = (count) => `${count.toLocaleString()} ${count === 1 ? "line" : "lines"}`;

export class Finder {
  // `address` holds which log; `lines` are its lines, and `show` goes to a line and marks it.
  constructor(address, lines, show, say) {
    Object.assign(this, { address, lines, show, say });
    this.clear();
  }

  clear() {
    Object.assign(this, { text: "", how: {}, hits: [], set: new Set(), total: 0, cut: null, at: 0, looked: 0 });
    globalThis.CSS?.highlights?.delete(MARK);
  }

  async ask(given) {
    const address = new URL(this.address, location.href);
    const all = { text: this.text, ignoreCase: String(!this.how.case), ...(this.how.regex ? { regex: "true" } : {}), ...(this.lines.generation ? { generation: this.lines.generation } : {}), ...given };
    for (const [name, value] of Object.entries(all)) address.searchParams.set(name, value);
    const answer = await fetch(address, { headers: HEADERS, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(answer.status === 409 ? "The log was begun anew." : (found.message ?? "It was not answered."));
    return found;
  }

  // Looks for a text from a line on, and goes to the first that has it; `how`: whether its case is heeded, and whether it is an
  // expression.
  async search(text, how, from) {
    this.clear();
    Object.assign(this, { text, how });
    this.say("Searching …");
    await this.step(true, from - 1);
  }

  next() {
    return this.step(true, this.at);
  }

  previous() {
    return this.step(false, this.at);
  }

  async step(isForward, from) {
    const { text, how } = this; // another `how` is of another search
    if (!text) return;
    try {
      let found = this.near(isForward, from);
      if (found === null) {
        const answer = await this.ask(
          isForward ? { from: from + 1, direction: "forward" } : { from: Math.max(1, from - 1), direction: "backward" },
        );
        if (this.how !== how) return; // something else is looked for by now
        Object.assign(this, { hits: answer.hits, set: new Set(answer.hits), total: answer.total, cut: answer.cut, looked: this.lines.total });
        found = answer.next !== null && (isForward ? answer.next > from : answer.next < from) ? answer.next : this.turned(isForward);
      }
      this.at = found ?? 0;
      this.tell();
      if (found) this.show(found);
    } catch (error) {
      if (this.how === how) this.say(error.name === "TimeoutError" ? "The search was not answered in time." : error.message);
    }
  }

  // The next hit that is known of; null where the panel has to be asked: nothing was yet, or between the first and the last hits
  // that it tells there are others, or the log has grown.
  near(isForward, from) {
    const { hits, total } = this;
    if (!this.looked || (isForward && this.looked < this.lines.total && from >= (hits.at(-1) ?? 0))) return null;
    const after = hits.findIndex((each) => each > from), next = after < 0 ? hits.length : after;
    const place = isForward ? next : hits.filter((each) => each < from).length - 1;
    const gap = total > hits.length ? hits.length / 2 : -1; // before this one some are left out
    if (gap >= 0 && (isForward ? place === gap : place === gap - 1)) return null;
    return hits[place] ?? this.turned(isForward);
  }

  // Behind the last the first comes again.
  turned(isForward) {
    return (isForward ? this.hits[0] : this.hits.at(-1)) ?? undefined;
  }

  tell() {
    const place = this.hits.indexOf(this.at) + 1, isWhole = this.hits.length === this.total;
    const number = place > 0 && (isWhole || place <= this.hits.length / 2) ? `${place.toLocaleString()} of ` : "";
    const cut = this.cut === null ? "" : ` The search took too long and was ended in line ${this.cut.toLocaleString()}.`;
    this.say(this.total ? `${number}${plural(this.total)}${this.at ? `, line ${this.at.toLocaleString()}` : ""}.${cut}` : `No line has it.${cut}`);
  }

  // Marks the text in the lines that are drawn, where the browser can without another element. An expression is the panel's to
  // look for alone: others mean other things by it, and take time without a bound.
  paint(root) {
    if (!globalThis.CSS?.highlights) return;
    const alike = (text) => (this.how.case ? text : text.toLowerCase()), ranges = [], wanted = this.how.regex ? "" : alike(this.text);
    for (const line of wanted ? root.querySelectorAll(".log-found .log-text") : []) {
      const nodes = [], walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
      let text = "";
      while (walk.nextNode()) {
        nodes.push([text.length, walk.currentNode]);
        text += walk.currentNode.data;
      }
      const place = (at) => {
        const [begin, node] = nodes.findLast(([start]) => start <= at);
        return [node, Math.min(at - begin, node.length)];
      };
      const lower = alike(text);
      for (let at = lower.indexOf(wanted); at >= 0 && lower.length === text.length; at = lower.indexOf(wanted, at + wanted.length)) {
        const range = document.createRange();
        range.setStart(...place(at));
        const [node, offset] = place(at + wanted.length - 1);
        range.setEnd(node, offset + 1);
        ranges.push(range);
      }
    }
    CSS.highlights.set(MARK, new Highlight(...ranges));
  }
}
