/**
 * How long the caller waited for each reply: last own speech → first sound of the agent, both as they pass the
 * browser. Pure: told what happened and when, in seconds of one clock.
 *
 * A figure needs a turn that the server took and a reply that it began, so that a reply which only goes on after
 * a pause is not mistaken for an answer. The sound may come shortly before the event that tells of its reply.
 * Without a usable microphone signal the figure is taken from events (`speech_stopped` → `output_audio_buffer.started`)
 * and marked approximate: that event comes after the server's own wait for the end of the turn.
 */

/** The agent must have been silent this long for its next sound to be a beginning. */
const SILENCE_S = 0.12;
/** A sound this long before its event is the beginning of that reply. */
const EARLY_S = 0.4;
/** Own speech older than this before the commit is not what was committed. */
const STALE_S = 4;

/**
 * @typedef {object} Figure
 * @property {number} ms
 * @property {boolean} approximate
 */

export class Latency {
  /** @param {(figure: Figure) => void} onFigure */
  constructor(onFigure) {
    this.onFigure = onFigure;
    this.ownBlocks = 0;
    /** @type {number | null} */
    this.ownEnd = null;
    /** @type {number | null} */
    this.agentEnd = null;
    /** @type {{from: number, approximate: boolean} | null} */
    this.waiting = null;
    /** @type {number | null} */
    this.agentBegan = null;
    /** The server has begun to play the reply that is awaited. */
    this.begun = false;
    /** @type {number | null} */
    this.stopped = null;
    this.hears = false;
  }

  /** @param {import("./ears.js").Sound} sound */
  sound({ at, ownLoud, agentAudible }) {
    this.hears = true;
    this.ownBlocks = ownLoud ? this.ownBlocks + 1 : 0;
    // One loud block is a click of the mouse; two are speech.
    if (this.ownBlocks >= 2) this.ownEnd = at;
    if (!agentAudible) return;
    const begins = this.agentEnd === null || at - this.agentEnd > SILENCE_S;
    this.agentEnd = at;
    if (!begins) return;
    this.agentBegan = at;
    if (this.waiting && this.begun) this.tell(at);
  }

  /** @param {number} at the server noticed the end of speech */
  speechStopped(at) {
    this.stopped = at;
  }

  /** @param {number} at the server took the caller's turn */
  committed(at) {
    const own = this.ownEnd;
    this.begun = false;
    if (own !== null && at - own < STALE_S) this.waiting = { from: own, approximate: false };
    else this.waiting = { from: this.stopped ?? at, approximate: true };
  }

  /** What was awaited will not come, or not as the answer to what was said last. */
  forget() {
    this.waiting = null;
  }

  /** @param {number} at the server began to play a reply */
  replyStarted(at) {
    if (!this.waiting) return;
    this.begun = true;
    if (!this.hears) this.tell(at);
    else if (this.agentBegan !== null && this.agentBegan > this.waiting.from && at - this.agentBegan < EARLY_S) this.tell(this.agentBegan);
  }

  /** @param {number} at */
  tell(at) {
    const { from, approximate } = /** @type {{from: number, approximate: boolean}} */ (this.waiting);
    this.waiting = null;
    this.onFigure({ ms: Math.max(0, Math.round((at - from) * 1000)), approximate: approximate || !this.hears });
  }
}

/**
 * @param {number[]} figures
 * @returns {number | null}
 */
export function median(figures) {
  if (figures.length === 0) return null;
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number} ms */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
