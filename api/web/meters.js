/** A level meter drawn as the last two seconds of a voice. Decoration: what it shows is also told in words. */

import { element } from "./elements.js";

const BARS = 28;
/** Blocks of 21 ms per bar. */
const BLOCKS = 3;

export class Meter {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.bars = Array.from({ length: BARS }, () => element("i"));
    box.replaceChildren(...this.bars);
    /** @type {number[]} */
    this.levels = new Array(BARS).fill(0);
    this.loudest = 0;
    this.blocks = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** @param {number} level root mean square, 0–1 */
  show(level) {
    this.loudest = Math.max(this.loudest, level);
    this.blocks += 1;
    if (this.blocks < BLOCKS) return;
    if (this.still.matches) this.levels.fill(height(this.loudest));
    else {
      this.levels.push(height(this.loudest));
      this.levels.shift();
    }
    this.loudest = 0;
    this.blocks = 0;
    this.draw();
  }

  clear() {
    this.levels.fill(0);
    this.draw();
  }

  draw() {
    this.bars.forEach((bar, index) => bar.style.setProperty("--level", this.levels[index].toFixed(2)));
  }
}

/**
 * Loudness as the ear takes it: −54 dB and below is nothing, −12 dB is full.
 * @param {number} level
 */
function height(level) {
  if (level < 0.002) return 0;
  return Math.min(1, (20 * Math.log10(level) + 54) / 42);
}
