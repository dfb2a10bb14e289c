// The panel's word of what has changed: one stream of events for a page, opened again when it breaks.

import { ago, moment, NEVER } from "./elapsed.js";
import { leave, take } from "./seats.js";

const LOST = 30_000, LATER = 60_000; // milliseconds without a beat, and until a stream that cannot be had is asked for again
const FULL = 5_000; // milliseconds until a seat is asked for again
const between = (low, high) => low + Math.random() * (high - low); // so that many pages do not come back at once

// Hands `on` what it says: opened(), changed(topics, revision), beat(now), over() once nobody is signed in, lost() when it broke.
export class LiveStream {
  #topics = "";
  #abort = null;
  #timer = null;
  #failed = 0;
  #on;
  isOpen = false;
  last = NEVER; // when it last said anything, or was asked for

  constructor(on) {
    this.#on = on;
  }

  open(topics) {
    const wanted = topics.join(" ");
    if (this.#abort !== null && wanted === this.#topics) return;
    if (this.#timer !== null && wanted === this.#topics) return;
    this.close();
    this.#topics = wanted;
    if (topics.length > 0) this.#read(topics);
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#abort?.abort();
    leave(this.#abort);
    this.#abort = null;
    this.isOpen = false;
    this.#topics = "";
  }

  // To be called each second: a connection that says nothing may be none any more, and one that is never answered never was.
  watch() {
    if (ago(this.last) > LOST) this.#abort?.abort();
  }

  async #read(topics) {
    const abort = (this.#abort = new AbortController());
    let pause = null;
    this.last = moment();
    try {
      if (!take(abort)) {
        pause = FULL;
        return;
      }
      const query = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
      const answer = await fetch(`/live?${query}`, {
        headers: { accept: "text/event-stream", "x-headway-page": "1" },
        cache: "no-store", redirect: "manual", signal: abort.signal,
      });
      if (this.#abort !== abort) return;
      // What stands before the panel may answer in its place.
      if (!answer.headers.has("x-headway-page") || answer.status >= 500) throw new Error(String(answer.status));
      if (answer.status === 401) return this.#on.over();
      if (answer.ok) await this.#listen(answer.body, abort);
      else pause = LATER;
    } catch {
      // it is lost, which is told below
    } finally {
      leave(abort);
      if (this.#abort === abort) this.#again(topics, pause);
    }
  }

  async #listen(body, abort) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.#abort !== abort) return;
      if (!this.isOpen) {
        Object.assign(this, { isOpen: true, last: moment() });
        this.#failed = 0;
        this.#on.opened();
      }
      this.last = moment();
      const said = (rest + value).split("\n\n");
      rest = said.pop();
      for (const each of said) this.#say(each);
    }
  }

  #say(text) {
    const lines = Object.fromEntries(text.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
    if (!lines.data) return;
    const data = JSON.parse(lines.data);
    if (lines.event === "changed") this.#on.changed(data.topics, data.revision);
    else if (lines.event === "beat") this.#on.beat(Date.parse(data.now));
  }

  #again(topics, pause) {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.#abort = null;
    const slower = 2 ** Math.min(this.#failed++, 3);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#read(topics);
    }, pause ?? (wasOpen ? between(1_000, 4_000) : between(1_000, 4_000) * slower));
    this.#on.lost(pause === null);
  }
}
