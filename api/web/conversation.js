/** Reads the events of the realtime protocol, and tells the transcript, the tools and the latency what they mean. */

/** @typedef {"listening" | "hearing" | "thinking" | "working" | "speaking"} Floor who is doing what */

export class Conversation {
  /**
   * @param {object} parts
   * @param {import("./transcript.js").Transcript} parts.transcript
   * @param {import("./tools.js").Tools} parts.tools
   * @param {import("./latency.js").Latency} parts.latency
   * @param {(event: object) => void} parts.send
   * @param {() => number} parts.now seconds, the clock of `latency`
   * @param {(floor: Floor) => void} parts.onFloor
   */
  constructor({ transcript, tools, latency, send, now, onFloor }) {
    this.transcript = transcript;
    this.tools = tools;
    this.latency = latency;
    this.send = send;
    this.now = now;
    this.onFloor = onFloor;
    this.hearing = false;
    this.speaking = false;
    this.waiting = false;
    /** Response → its spoken items, in order. @type {Map<string, string[]>} */
    this.spoken = new Map();
    /** Items whose audio is being played, first one first. @type {string[]} */
    this.playing = [];
    /** @type {import("./latency.js").Figure | null} */
    this.figure = null;
    /** @type {string | null} */
    this.newest = null;
    this.turns = 0;
    this.interruptions = 0;
  }

  /** @param {Record<string, any>} event */
  take(event) {
    this.hear(event);
    this.reply(event);
    this.call(event);
    this.onFloor(this.floor);
  }

  /** @returns {Floor} */
  get floor() {
    if (this.hearing) return "hearing";
    if (this.speaking) return "speaking";
    if (this.tools.running) return "working";
    return this.waiting ? "thinking" : "listening";
  }

  /** The caller's side. @param {Record<string, any>} event */
  hear(event) {
    const { transcript, latency } = this;
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        this.hearing = true;
        transcript.reserve(event.item_id);
        latency.forget();
        break;
      case "input_audio_buffer.speech_stopped":
        this.hearing = false;
        latency.speechStopped(this.now());
        break;
      case "input_audio_buffer.committed":
        this.hearing = false;
        this.waiting = !this.speaking;
        transcript.callerSpoke(event.item_id);
        this.newest = null;
        latency.committed(this.now());
        break;
      case "conversation.item.input_audio_transcription.delta":
        transcript.callerDelta(event.item_id, event.delta ?? "");
        break;
      case "conversation.item.input_audio_transcription.completed":
        transcript.callerDone(event.item_id, event.transcript ?? "");
        this.turns += 1;
        break;
      case "conversation.item.input_audio_transcription.failed":
        transcript.callerDone(event.item_id, null);
        break;
    }
  }

  /** The agent's side. @param {Record<string, any>} event */
  reply(event) {
    const { transcript } = this;
    switch (event.type) {
      case "response.created":
        this.waiting = true;
        break;
      case "response.output_item.added":
        if (event.item?.type === "message") this.open(event.response_id, event.item.id);
        break;
      case "response.output_audio_transcript.delta":
        this.open(event.response_id, event.item_id);
        transcript.agentDelta(event.item_id, event.delta ?? "");
        this.place();
        break;
      case "response.output_audio_transcript.done":
        this.open(event.response_id, event.item_id);
        transcript.agentDone(event.item_id, event.transcript ?? "");
        break;
      case "response.done":
        if (!(event.response?.output ?? []).some((/** @type {any} */ item) => item.type === "mcp_call")) this.waiting = false;
        break;
      case "output_audio_buffer.started":
        this.speaking = true;
        this.waiting = false;
        this.latency.replyStarted(this.now());
        break;
      case "output_audio_buffer.stopped":
      case "output_audio_buffer.cleared":
        this.speaking = false;
        // Something said over a reply that was then heard to its end: no answer is timed from it.
        if (event.type.endsWith("stopped")) this.latency.forget();
        this.played(event.response_id, event.type.endsWith("stopped"));
        break;
      case "conversation.item.truncated":
        this.cut(event.item_id, event.audio_end_ms ?? 0);
        break;
      case "conversation.item.retrieved":
        if (event.item?.role === "assistant") transcript.heard(event.item.id, transcriptOf(event.item));
        break;
    }
  }

  /**
   * @param {string} itemId
   * @param {number} heardMs
   */
  cut(itemId, heardMs) {
    this.playing = this.playing.filter((item) => item !== itemId);
    if (heardMs === 0) {
      // The caller went on before anything of it was heard: it never was part of the conversation.
      this.transcript.remove(itemId);
      return;
    }
    this.interruptions += 1;
    this.transcript.cut(itemId, heardMs);
    this.send({ type: "conversation.item.retrieve", item_id: itemId });
  }

  /** The tools. @param {Record<string, any>} event */
  call(event) {
    switch (event.type) {
      case "response.output_item.added":
      case "response.output_item.done":
      case "conversation.item.done":
        if (event.item?.type === "mcp_call") this.tools.show(event.item);
        break;
      case "response.mcp_call_arguments.done":
        this.tools.asked(event.item_id, event.arguments ?? "");
        break;
      case "response.mcp_call.in_progress":
        this.tools.mark(event.item_id, "running");
        break;
      case "response.mcp_call.completed":
        this.tools.mark(event.item_id, "done");
        break;
      case "response.mcp_call.failed":
        this.tools.mark(event.item_id, "failed");
        break;
    }
  }

  /** @param {number} elapsed seconds during which the agent was audible */
  audible(elapsed) {
    const current = this.playing[0];
    if (current) this.transcript.audible(current, elapsed);
  }

  /** @param {import("./latency.js").Figure} figure belongs to the newest reply, which may have no words yet */
  waited(figure) {
    this.figure = figure;
    this.place();
  }

  place() {
    if (!this.figure || !this.newest || !this.transcript.entries.has(this.newest)) return;
    this.transcript.waited(this.newest, this.figure);
    this.figure = null;
    this.newest = null;
  }

  /**
   * @param {string} responseId
   * @param {string} itemId
   */
  open(responseId, itemId) {
    const items = this.spoken.get(responseId) ?? [];
    if (items.includes(itemId) || this.transcript.removed.has(itemId)) return;
    this.spoken.set(responseId, [...items, itemId]);
    this.playing.push(itemId);
    this.newest = itemId;
    this.transcript.reserve(itemId);
  }

  /**
   * @param {string} responseId
   * @param {boolean} whole
   */
  played(responseId, whole) {
    const items = this.spoken.get(responseId) ?? [];
    this.playing = this.playing.filter((item) => !items.includes(item));
    if (whole) items.forEach((item) => this.transcript.agentHeard(item));
  }
}

/** @param {Record<string, any>} item */
function transcriptOf(item) {
  return (item.content ?? []).map((/** @type {any} */ part) => part.transcript ?? part.text ?? "").join("");
}
