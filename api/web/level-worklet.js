/**
 * Measures loudness on the audio thread, so that figures do not suffer when the page is busy.
 * Inputs: 0 the caller, 1 the agent. Posts `[frame, caller, agent]` every 8 quanta (21.3 ms at 48 kHz): the
 * sample clock at the end of the block, and the root mean square of each (0–1).
 */

const QUANTA = 8;

class Level extends AudioWorkletProcessor {
  constructor() {
    super();
    this.sums = [0, 0];
    this.quanta = 0;
    this.length = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    for (const side of [0, 1]) {
      const samples = inputs[side]?.[0];
      if (!samples) continue;
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      this.sums[side] += sum;
    }
    this.length += 128;
    this.quanta += 1;
    if (this.quanta === QUANTA) {
      this.port.postMessage([currentFrame + 128, Math.sqrt(this.sums[0] / this.length), Math.sqrt(this.sums[1] / this.length)]);
      this.sums = [0, 0];
      this.quanta = 0;
      this.length = 0;
    }
    return true;
  }
}

registerProcessor("level", Level);
