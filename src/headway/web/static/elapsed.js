// How long ago something was, whatever becomes of the clock of this machine: set back, it would stand still, and what counts since
// the page was loaded stands still in some browsers while the machine sleeps.

export const moment = () => ({ awake: performance.now(), wall: Date.now() });
export const NEVER = { awake: -Infinity, wall: -Infinity };

// Milliseconds.
export const ago = (at) => Math.max(performance.now() - at.awake, Date.now() - at.wall);
