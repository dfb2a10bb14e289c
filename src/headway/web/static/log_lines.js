// The lines of a log, as far as they were asked for: each under its number, in the generation of the log that it is of. What
// comes twice replaces itself, and what is missing is asked for when it is looked at, so nothing is lost or doubled.

import { ago, moment, NEVER } from "./elapsed.js";
import { leave, take } from "./seats.js";

const CHUNK = 500, KEPT = 40; // lines of a chunk, and chunks that are kept
const ASKED = 2; // chunks that are asked for at once
const PATIENCE = 15_000, SILENCE = 40_000, FIRST_PAUSE = 500, LONGEST_PAUSE = 10_000; // milliseconds
const LOOK = 2_000; // milliseconds from one look at the end to the next, where nobody tells what comes
const REST = 5_000; // the same of what has ended, and may go on
const MUTE = 10_000, LATER = 30_000; // milliseconds after which a stream says nothing at all, and until it is asked for again
const OVER = [401, 403, 404];
const HEADERS = { "x-headway-page": "1" };

// What stands before the panel may answer in its place, and knows nothing of who is signed in or what was removed: of the
// panel's own answers the body says that they are. Of any other the status is 0.
async function refused(answer) {
  const told = await answer.json().catch(() => null);
  const isOurs = told?.data?.httpStatus === answer.status || (answer.status === 401 && told?.message === "Unauthorized");
  return Object.assign(new Error(String(answer.status)), { status: isOurs ? answer.status : 0 });
}

class Anew extends Error {}

const chunkOf = (number) => Math.floor((number - 1) / CHUNK);
const wait = (time, signal) =>
  new Promise((done) => {
    const timer = setTimeout(end, time);
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    }
    signal.addEventListener("abort", end);
  });

export class Lines {
  // `linesAt` and `followAt` ("": nobody tells what comes) are addresses that hold which log; `tell` is called with what has changed:
  // "lines", "anew", "moved" (steps and status), "ended", "lost", "gone" (for now), "found", or "over" with the status of the answer.
  constructor(linesAt, followAt, tell) {
    Object.assign(this, { linesAt, followAt, tell, running: null, wanted: null, pause: FIRST_PAUSE, lostAt: 0, mutedAt: NEVER });
    Object.assign(this, { isOver: false, isLookedAt: false, isGone: false });
    this.reset();
  }

  // Of a deployment the end is the end, and so is that it is not there. What a service writes goes on when it is started again.
  get goesOn() {
    return !this.followAt;
  }

  get mayGrow() {
    return !this.ended || this.goesOn;
  }

  isLast(status) {
    return OVER.includes(status) && !(status === 404 && this.goesOn);
  }

  reset() {
    Object.assign(this, { generation: "", total: 0, ended: false, isKnown: false, steps: [], chunks: new Map(), asked: new Map() });
  }

  row(number) {
    return this.chunks.get(chunkOf(number))?.[(number - 1) % CHUNK];
  }

  // Sees to it that these lines come. Whoever drags through a log wants only those where they stop.
  want(first, last) {
    if (this.isOver) return;
    this.wanted = [first, last];
    const end = Math.min(last, this.total);
    for (let number = Math.max(1, first); number <= end; number++) {
      const chunk = chunkOf(number);
      if (this.row(number) || this.asked.has(chunk)) {
        if (this.asked.has(chunk)) number = (chunk + 1) * CHUNK;
        continue;
      }
      if (this.asked.size >= ASKED) return;
      this.ask(chunk, number);
      number = (chunk + 1) * CHUNK;
    }
    for (const chunk of new Set([chunkOf(Math.max(1, first)), chunkOf(Math.max(1, end))])) this.touch(chunk);
  }

  async ask(chunk, from) {
    const asked = this.asked, count = (chunk + 1) * CHUNK - from + 1;
    asked.set(chunk, from);
    try {
      const found = await this.get({ from, count });
      if (!found.rows.length) throw new Error("there are fewer lines");
      if (this.asked === asked && found.generation === this.generation) this.take(found.rows);
    } catch (error) {
      if (error instanceof Anew) this.begin();
      else if (this.isLast(error.status)) this.end(error.status);
      else await new Promise((done) => setTimeout(done, FIRST_PAUSE * 2)); // it is asked for again
    } finally {
      asked.delete(chunk);
      if (this.asked === asked) {
        this.tell("lines");
        if (this.wanted) this.want(...this.wanted);
      }
    }
  }

  async get(given) {
    const address = new URL(this.linesAt, location.href);
    const all = this.generation ? { ...given, generation: this.generation } : given;
    for (const [name, value] of Object.entries(all)) address.searchParams.set(name, value);
    const answer = await fetch(address, { headers: HEADERS, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status === 409) throw new Anew();
    if (!answer.ok) throw await refused(answer);
    return answer.json();
  }

  take(rows) {
    const before = this.total;
    for (const row of rows) {
      const chunk = chunkOf(row.n);
      if (!this.chunks.has(chunk)) this.chunks.set(chunk, []);
      this.chunks.get(chunk)[(row.n - 1) % CHUNK] = row;
      this.total = Math.max(this.total, row.n);
      this.learn(row);
    }
    // Of an open line that was not told again behind it more has come.
    if (this.total > before && before && this.row(before)?.open) this.drop(before);
    if (rows.length) this.touch(chunkOf(rows[rows.length - 1].n));
  }

  drop(number) {
    const chunk = this.chunks.get(chunkOf(number));
    if (chunk) chunk[(number - 1) % CHUNK] = undefined;
  }

  // The chunks that were used last are kept.
  touch(chunk) {
    const rows = this.chunks.get(chunk);
    if (rows === undefined) return;
    this.chunks.delete(chunk);
    this.chunks.set(chunk, rows);
    while (this.chunks.size > KEPT) this.chunks.delete(this.chunks.keys().next().value);
  }

  // Steps

  learn(row) {
    if (!row.step) return; // what services write has none
    const step = this.steps.find((each) => each.name === row.step);
    if (step === undefined) this.addStep({ name: row.step, first: row.n, startedAt: null, finishedAt: null });
    else if (row.n < step.first || (step.isGuessed && row.n > step.first)) {
      step.first = row.n;
      this.sortSteps();
    }
    if (step?.isGuessed) step.isGuessed = false;
  }

  addStep(step) {
    this.steps.push(step);
    this.sortSteps();
  }

  sortSteps() {
    this.steps.sort((one, other) => one.first - other.first);
  }

  tellStep(news) {
    const step = this.steps.find((each) => each.name === news.name);
    if (step) Object.assign(step, { startedAt: news.startedAt, finishedAt: news.finishedAt });
    else this.addStep({ ...news, first: this.total + 1, isGuessed: true }); // until its first line comes
  }

  // Following

  begin() {
    const { isLookedAt } = this;
    this.close();
    this.reset();
    this.tell("anew");
    if (isLookedAt) this.open();
  }

  // Nobody may see it any more, or it is gone: nothing is asked for again.
  end(status) {
    this.isOver = true;
    this.tell("over", status);
  }

  open() {
    this.isLookedAt = true;
    if (this.running || this.isOver || (this.isKnown && !this.mayGrow)) return;
    const running = (this.running = new AbortController());
    this.run(running.signal).finally(() => {
      if (this.running === running) this.running = null;
    });
  }

  close() {
    this.isLookedAt = false;
    this.running?.abort();
    this.running = null;
  }

  async run(signal) {
    while (!signal.aborted) {
      let longest = LONGEST_PAUSE;
      try {
        await this.catchUp(signal);
        longest = this.ended ? REST : LOOK; // what comes is to be had, whatever becomes of the stream
        if (!this.ended && this.followAt && ago(this.mutedAt) >= LATER) await this.stream(signal);
        if (!this.mayGrow || signal.aborted) return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Anew) {
          this.reset();
          this.tell("anew");
          continue;
        }
        if (this.isLast(error.status)) return this.end(error.status);
        if (error.status === 404) {
          this.isGone = true;
          this.tell("gone");
        } else if (longest === LONGEST_PAUSE) {
          this.lostAt ||= Date.now();
          this.tell("lost");
        }
      }
      this.pause = Math.min(this.pause, longest);
      await wait(this.pause * (1 + Math.random()), signal);
      this.pause = Math.min(this.pause * 2, longest);
    }
  }

  // The end of the log as it is now. What lies between that and what is known is asked for when it is looked at.
  async catchUp(signal) {
    if (this.row(this.total)?.open) this.drop(this.total);
    // What is asked for again and again, for nobody tells what comes, is asked from the line on that may have grown.
    const isNext = !this.followAt && this.generation && this.total;
    const found = await this.get(isNext ? { from: this.total, count: CHUNK } : { count: CHUNK });
    if (signal.aborted) return;
    if (this.isGone || this.lostAt) {
      Object.assign(this, { isGone: false, lostAt: 0 });
      this.tell("found");
    }
    if (this.generation && !found.generation) return this.rest(); // nothing writes now, and what was written may be read on
    if (this.generation && found.generation !== this.generation) throw new Anew();
    Object.assign(this, { generation: found.generation, steps: found.steps ?? [], isKnown: true });
    this.total = Math.max(this.total, found.total);
    this.take(found.rows);
    this.ended = found.ended;
    this.tell("lines");
    if (this.ended) this.tell("ended");
  }

  rest() {
    this.ended = true;
    this.tell("ended");
  }

  async stream(outer) {
    const inner = new AbortController(), stop = () => inner.abort();
    if (!take(inner)) return;
    let isMute = true;
    outer.addEventListener("abort", stop);
    const address = new URL(this.followAt, location.href);
    address.searchParams.set("from", Math.max(1, this.total));
    if (this.generation) address.searchParams.set("generation", this.generation);
    let silence = setTimeout(stop, MUTE);
    try {
      const answer = await fetch(address, { headers: HEADERS, cache: "no-store", signal: inner.signal });
      if (!answer.ok) throw await refused(answer);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let held = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE);
        isMute = false;
        this.pause = FIRST_PAUSE;
        const events = (held + value).split("\n\n");
        held = events.pop();
        for (const event of events) if (this.hear(event)) return;
      }
    } finally {
      clearTimeout(silence);
      outer.removeEventListener("abort", stop);
      inner.abort();
      leave(inner);
      if (isMute && !outer.aborted) this.mutedAt = moment();
    }
  }

  // What one event says; whether it was the last.
  hear(event) {
    const said = (name) => event.split("\n").find((line) => line.startsWith(name))?.slice(name.length);
    const kind = said("event: "), data = said("data: ");
    if (kind === undefined || data === undefined) return false;
    const told = JSON.parse(data);
    if (kind === "anew") throw new Anew();
    if (kind === "lines") {
      if (this.generation && told.generation !== this.generation) throw new Anew();
      this.generation = told.generation;
      this.take(told.rows);
      this.tell("lines");
    } else if (kind === "step") {
      this.tellStep(told);
      this.tell("moved");
    } else if (kind === "end") {
      this.ended = true;
      this.tell("ended");
    }
    return kind === "end";
  }
}
