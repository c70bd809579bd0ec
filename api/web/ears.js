/** Listens to both directions of a call, on the audio clock, and tells how loud each is. */

/** Quieter than this the agent is silent: decoded silence is exactly zero, comfort noise stays below −52 dB. */
const AGENT_AUDIBLE = 0.0025;
/** Speech stands this far above the room, and never below the floor. */
const OWN_ABOVE_ROOM = 3.5;
const OWN_LEAST = 0.006;

/**
 * @typedef {object} Sound
 * @property {number} at seconds of the audio clock, end of the block
 * @property {number} own root mean square, 0–1
 * @property {number} agent root mean square, 0–1
 * @property {boolean} ownLoud the caller speaks
 * @property {boolean} agentAudible the agent is heard
 */

export class Ears {
  /** @param {(sound: Sound) => void} onSound every 21 ms */
  constructor(onSound) {
    this.onSound = onSound;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioWorkletNode | null} */
    this.node = null;
    /** @type {(MediaStreamAudioSourceNode | null)[]} */
    this.sources = [null, null];
    this.room = OWN_LEAST;
  }

  /** Call it while handling a click: browsers start audio for a gesture only. */
  async open() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    await this.context.audioWorklet.addModule("/static/level-worklet.js");
    if (this.context.state === "closed") return;
    this.node = new AudioWorkletNode(this.context, "level", { numberOfInputs: 2, numberOfOutputs: 1, channelCount: 1, channelCountMode: "explicit" });
    this.node.port.onmessage = (message) => this.take(message.data);
    // An unconnected node may not be run at all; its output is silence.
    this.node.connect(this.context.destination);
    this.sources.forEach((source, side) => source && this.attach(side, source.mediaStream));
  }

  /** @param {MediaStream} stream the caller's */
  hearOwn(stream) {
    this.attach(0, stream);
  }

  /** @param {MediaStream} stream the agent's; also attach it to a media element, else Chromium delivers nothing */
  hearAgent(stream) {
    this.attach(1, stream);
  }

  /** The audio clock now, in seconds; null when there is none. */
  get now() {
    return this.context?.state === "running" ? this.context.currentTime : null;
  }

  resume() {
    return this.context?.resume();
  }

  close() {
    this.sources.forEach((source) => source?.disconnect());
    if (this.context && this.context.state !== "closed") this.context.close();
  }

  /**
   * @param {number} side
   * @param {MediaStream} stream
   */
  attach(side, stream) {
    if (!this.context || this.context.state === "closed") return;
    this.sources[side]?.disconnect();
    this.sources[side] = this.context.createMediaStreamSource(stream);
    if (this.node) this.sources[side].connect(this.node, 0, side);
  }

  /** @param {[number, number, number]} block */
  take([frame, own, agent]) {
    if (!this.context) return;
    // The room's noise: falls at once, rises slowly (to tenfold in about 7 s), so that speech does not lift it.
    this.room = Math.max(1e-4, own < this.room ? own : this.room * 1.007);
    this.onSound({
      at: frame / this.context.sampleRate,
      own,
      agent,
      ownLoud: own > Math.max(OWN_LEAST, this.room * OWN_ABOVE_ROOM),
      agentAudible: agent > AGENT_AUDIBLE,
    });
  }
}
