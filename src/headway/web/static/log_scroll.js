// Shows a log of any length: of its rows (lines, and headings of steps) those that are looked at stand in the page, in blocks
// of fifty. The place that is looked at is a row and where on the screen it is; the bar of the scroller follows from that.

const BLOCK = 50, NEAR = 8; // rows of a block, and pixels that count as none
const TALLEST = 15_000_000; // pixels: browsers know no much taller element
const OFF = 1.5; // by which rows are taller than was thought
const ROOM = 0.75; // of what is seen, drawn above and below it at least
const GLIDE = 400; // milliseconds that a browser glides on for
const INTENTS = ["wheel", "keydown", "pointerdown", "touchstart"]; // by which somebody scrolls

export const made = (tag, name, text) => {
  const node = document.createElement(tag);
  node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
};

// The rows of a log: before the lines of each step its heading, and of a folded one nothing else.
export class Rows {
  constructor(lines) {
    this.lines = lines;
    this.folded = new Set(); // names of steps
    this.refresh();
  }

  refresh() {
    const { steps, total } = this.lines;
    const starts = [...(steps.length && steps[0].first <= 1 ? [] : [{ step: null, first: 1 }]), ...steps.map((step) => ({ step, first: step.first }))];
    let begin = 0;
    this.sections = starts.map(({ step, first }, number) => {
      const last = Math.min(total, (starts[number + 1]?.first ?? total + 1) - 1), size = Math.max(0, last - first + 1);
      const section = { step, first, last, size, begin, head: step ? 1 : 0, isFolded: step !== null && this.folded.has(step.name) };
      begin += section.head + (section.isFolded ? 0 : size);
      section.end = begin;
      return section;
    });
    this.count = begin;
  }

  section(row) {
    return this.sections.findLast((each) => each.begin <= row) ?? this.sections[0];
  }

  // The number of the line in a row, 0 where that is a heading.
  line(row) {
    const section = this.section(row), at = row - section.begin - section.head;
    return at < 0 || section.isFolded ? 0 : section.first + at;
  }

  // The row of a line; a folded step is unfolded for it.
  rowOf(line) {
    let section = this.sections.findLast((each) => each.first <= line && each.size > 0) ?? this.sections[0];
    if (section.isFolded) {
      this.folded.delete(section.step.name);
      this.refresh();
      section = this.sections.find((each) => each.step?.name === section.step.name);
    }
    return section.begin + section.head + Math.max(0, line - section.first);
  }
}

export class Scroll {
  // `root` scrolls; `draw` makes the node of a line, `head` that of a heading; `looked` is told after something was drawn.
  constructor(root, rows, { draw, head, looked }) {
    Object.assign(this, { root, rows, draw, head, looked, blocks: new Map(), layout: 0, frame: 0, follows: false });
    Object.assign(this, { anchor: { row: 0, shift: 0 }, at: 0, heldUntil: 0, first: 0, last: 0, top: 0, height: 0, tall: 0, average: 0 });
    this.space = made("div", "log-space");
    this.window = made("div", "log-window");
    this.stuck = made("div", "log-stuck");
    this.space.append(this.window);
    root.replaceChildren(this.stuck, this.space);
    root.addEventListener("scroll", () => this.scrolled(), { passive: true });
    for (const kind of INTENTS) document.addEventListener(kind, () => (this.heldUntil = 0), { capture: true, passive: true });
    new ResizeObserver(() => this.later()).observe(root);
  }

  // Draws anew in the next frame; `isAll`: no node that is there is right any more.
  later(isAll = false) {
    if (isAll) this.layout += 1;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  // Draws at once: what is pressed next begins where this one leads to.
  now() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.render();
  }

  // Whether the end is seen of what was drawn: meanwhile more may have come.
  get isAtEnd() {
    const { root } = this;
    return this.hasEnd && root.scrollHeight - root.scrollTop - root.clientHeight < NEAR;
  }

  // Goes to a row: a third of the way down, or where `shift` says.
  show(row, shift = this.root.clientHeight / 3) {
    this.follows = false;
    this.anchor = { row: Math.max(0, Math.min(row, this.rows.count - 1)), shift };
    this.jump();
  }

  toEnd(follows) {
    this.follows = follows;
    this.anchor = { row: this.rows.count - 1, shift: this.root.clientHeight };
    this.jump();
  }

  // What a browser was gliding for before, it would go on with from here.
  jump() {
    this.isJump = true;
    this.heldUntil = performance.now() + GLIDE;
    this.later();
  }

  get isHeld() {
    return performance.now() < this.heldUntil;
  }

  scrolled() {
    if (this.frame && this.isJump) return; // where to look is decided already
    if (this.isHeld) {
      if (this.root.scrollTop !== this.at) this.root.scrollTop = this.at;
      return;
    }
    if (this.follows && !this.isAtEnd) this.follows = false;
    this.anchor = this.anchorNow();
    this.at = this.root.scrollTop;
    const { root, first, last, rows, top, height } = this, room = root.clientHeight * ROOM;
    const isShort = (first > 0 && root.scrollTop - top < room) || (last < rows.count && top + height - root.scrollTop - root.clientHeight < room);
    if (isShort) this.later();
    else this.tellPlace();
  }

  // The first row that is seen, and where; behind what is drawn the place of the bar says which.
  anchorNow() {
    const { root, top, height, rows } = this, at = root.scrollTop - top;
    if (at < 0 || at + root.clientHeight > height + NEAR) {
      const seen = root.clientHeight / (this.average || 20), most = Math.max(1, this.tall - root.clientHeight);
      const row = Math.round((Math.min(1, root.scrollTop / most)) * Math.max(0, rows.count - seen));
      if (at < -root.clientHeight || at > height) return { row: Math.min(row, Math.max(0, rows.count - 1)), shift: 0 };
    }
    let last = null;
    for (const [number, block] of this.blocks) {
      if (block.offsetTop + block.offsetHeight <= at && number * BLOCK + BLOCK < this.last) continue;
      const nodes = block.children;
      let low = 0, high = nodes.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (nodes[middle].offsetTop + nodes[middle].offsetHeight > at) high = middle;
        else low = middle + 1;
      }
      last = { row: number * BLOCK + low, shift: (nodes[low]?.offsetTop ?? 0) - at };
      break;
    }
    return last ?? { row: 0, shift: 0 };
  }

  // What one is at may be drawn anew: then one is at the same again, or at the log, and not at the beginning of the page.
  keepFocus(act) {
    const { root } = this, at = document.activeElement;
    act();
    if (at === null || at.isConnected || !at.classList.contains("log-fold") || document.activeElement !== document.body) return;
    (root.querySelector(`[data-step="${CSS.escape(at.dataset.step)}"]`) ?? root).focus({ preventScroll: true });
  }

  // A browser that glides is further on when a frame is drawn than it has told: what would be drawn for where it was would
  // take it back, and who pages through a log whose lines are still coming would go less than a page.
  catchUp() {
    const moved = this.root.scrollTop - this.at;
    if (this.isJump || this.isHeld || moved === 0) return;
    if (this.follows && moved < 0 && !this.isAtEnd) this.follows = false;
    if (Math.abs(moved) > this.root.clientHeight) this.anchor = this.anchorNow();
    else this.anchor.shift -= moved;
  }

  render() {
    const { root, rows } = this, view = root.clientHeight, count = rows.count;
    this.catchUp();
    if (this.follows) this.anchor = { row: count - 1, shift: view };
    const anchor = this.anchor, line = this.average || 20;
    anchor.row = Math.max(0, Math.min(anchor.row, count - 1));
    const above = Math.ceil((view * ROOM + Math.max(0, anchor.shift)) / line), below = Math.ceil((view * (1 + ROOM) + Math.max(0, -anchor.shift)) / line);
    this.first = Math.max(0, Math.floor((anchor.row - above) / BLOCK) * BLOCK);
    this.last = Math.min(count, Math.ceil((anchor.row + 1 + below) / BLOCK) * BLOCK);
    this.hasEnd = this.last >= count;
    this.keepFocus(() => this.fill());
    this.place(anchor, view, count);
    this.isJump = false;
    this.tellPlace();
    this.looked();
  }

  // Puts the blocks from first to last into the page, and of each what has changed.
  fill() {
    const { blocks } = this, wanted = [];
    for (let row = this.first; row < this.last; row += BLOCK) wanted.push(row / BLOCK);
    for (const [number, block] of blocks) {
      if (wanted.includes(number) && block.layout === this.layout) continue;
      block.remove();
      blocks.delete(number);
    }
    let before = null;
    for (const number of wanted) {
      let block = blocks.get(number);
      if (block === undefined) {
        block = made("div", "log-block");
        Object.assign(block, { layout: this.layout, shown: [] });
        if (before) before.after(block);
        else this.window.prepend(block);
      }
      blocks.delete(number);
      blocks.set(number, block); // in their order
      this.fillBlock(block, number * BLOCK, Math.min(this.last, number * BLOCK + BLOCK));
      before = block;
    }
  }

  fillBlock(block, first, last) {
    for (let row = first; row < last; row++) {
      const number = this.rows.line(row), at = row - first;
      const shown = number ? (this.rows.lines.row(number) ?? number) : this.headShown(this.rows.section(row));
      if (block.shown[at] === shown) continue;
      block.shown[at] = shown;
      const node = number ? this.draw(number, this.rows.lines.row(number)) : this.head(this.rows.section(row));
      if (block.children[at]) block.children[at].replaceWith(node);
      else block.append(node);
    }
    while (block.children.length > last - first) block.lastChild.remove();
    block.shown.length = last - first;
  }

  headShown(section) {
    return `${section.step.name} ${section.isFolded} ${section.size} ${section.step.startedAt} ${section.step.finishedAt}`;
  }

  node(row) {
    return this.blocks.get(Math.floor(row / BLOCK))?.children[row % BLOCK];
  }

  place(anchor, view, count) {
    const { root, first, last } = this, height = this.window.offsetHeight, isWhole = first === 0 && last >= count;
    const average = height / Math.max(1, last - first);
    // As long as it is about right it stays: with it the bar would move, and all that is below.
    const ratio = this.average ? average / this.average : 0;
    if (last > first && (ratio < 1 / OFF || ratio > OFF)) this.average = average;
    const tall = isWhole ? height : Math.max(Math.min(TALLEST, count * this.average), height + 2 * view);
    const node = this.node(anchor.row), at = node?.offsetTop ?? 0;
    if (this.follows || anchor.shift >= view) anchor.shift = view - (node?.offsetHeight ?? 0);
    const seen = view / this.average, share = anchor.row / Math.max(1, count - seen);
    const meant = Math.max(0, Math.min(1, share)) * (tall - view);
    // Where the bar is near where it should be it stays: whoever turns a wheel is not to be interrupted.
    const now = !this.isJump && Math.abs(meant - root.scrollTop) < view ? root.scrollTop : meant;
    let top = now + anchor.shift - at;
    if (last >= count) top = tall - height;
    if (first === 0) top = 0;
    else if (last < count) top = Math.max(view, Math.min(top, tall - height - view));
    Object.assign(this, { top, height, tall });
    this.space.style.height = `${tall}px`;
    this.window.style.transform = `translateY(${top}px)`;
    const scrollTop = Math.max(0, Math.min(top + at - anchor.shift, tall - view));
    if (Math.abs(scrollTop - root.scrollTop) > 0.5) root.scrollTop = scrollTop;
    this.at = root.scrollTop;
    this.anchor = { row: anchor.row, shift: top + at - this.at };
  }

  // The heading of the step whose lines are seen stays at the top, until the next one pushes it away.
  tellPlace() {
    const { row, shift } = this.anchor, section = this.rows.count ? this.rows.section(row) : undefined;
    const isStuck = Boolean(section?.step) && !(row === section.begin && shift >= 0);
    const shown = isStuck ? this.headShown(section) : "";
    if (this.stuck.shown !== shown) {
      this.stuck.shown = shown;
      this.keepFocus(() => this.stuck.replaceChildren(...(isStuck ? [this.head(section)] : [])));
    }
    const next = isStuck ? this.node(section.end) : undefined;
    const room = next ? this.top + next.offsetTop - this.root.scrollTop : Infinity;
    const pushed = Math.min(0, room - (isStuck ? this.stuck.firstChild.offsetHeight : 0));
    this.stuck.style.translate = pushed ? `0 ${pushed}px` : "";
  }
}
