/**
 * One call: microphone, credentials, WebRTC, and its end. Knows nothing of the page.
 *
 * Events it dispatches:
 * - `live`     audio flows both ways
 * - `event`    `detail` is one server event of the realtime protocol
 * - `remote`   `detail` is the MediaStream of the agent
 * - `microphone-lost`  the device went away; the call goes on
 * - `ended`    `detail` is an Ended; dispatched once, after everything is released
 */

import { Fault } from "./messages.js";
import { openMicrophone } from "./microphone.js";
import { answer, credentials } from "./server.js";

/** Longest wait for the browser's own candidates: dead network interfaces must not hold up the offer. */
const GATHER_MS = 700;
/** From the server's answer until audio flows. */
const CONNECT_MS = 15_000;
/** `disconnected` often mends itself; after this long it does not. */
const DISCONNECTED_MS = 5_000;

/**
 * @typedef {object} Ended
 * @property {"caller" | "server" | "lost"} by
 * @property {number} seconds how long the call was live
 */

export class Call extends EventTarget {
  /** @param {string} deviceId the microphone; empty: the browser's choice */
  constructor(deviceId) {
    super();
    this.deviceId = deviceId;
    this.abort = new AbortController();
    /** @type {MediaStream | null} */
    this.microphone = null;
    /** @type {RTCPeerConnection | null} */
    this.peer = null;
    /** @type {RTCDataChannel | null} */
    this.channel = null;
    /** @type {string | null} */
    this.sessionId = null;
    /** @type {string | null} */
    this.sessionAccess = null;
    this.liveSince = 0;
    this.muted = false;
    this.over = false;
    /** @type {number | undefined} */
    this.lostTimer = undefined;
  }

  /**
   * Place the call; resolves when audio flows both ways. Raises Fault, with everything released.
   * Resolves to false when the caller hung up meanwhile.
   * @param {string} personaId
   * @returns {Promise<boolean>}
   */
  async start(personaId) {
    try {
      if (!window.RTCPeerConnection) throw new Fault(window.isSecureContext ? "no-webrtc" : "insecure-page");
      await this.takeMicrophone(this.deviceId);
      const granted = await credentials(personaId, this.abort.signal);
      await this.connect(granted);
    } catch (error) {
      if (this.over) return false;
      this.over = true;
      this.release();
      throw error;
    }
    if (this.over) return false;
    this.liveSince = performance.now();
    this.dispatchEvent(new Event("live"));
    return true;
  }

  /** @param {import("./server.js").Credentials} granted */
  async connect(granted) {
    const peer = new RTCPeerConnection({ iceServers: [] });
    this.peer = peer;
    this.channel = peer.createDataChannel("oai-events");
    this.channel.addEventListener("message", (message) => this.take(message.data));
    this.channel.addEventListener("close", () => this.end("server"));
    peer.addEventListener("track", (event) => {
      this.dispatchEvent(new CustomEvent("remote", { detail: event.streams[0] ?? new MediaStream([event.track]) }));
    });
    const stream = /** @type {MediaStream} */ (this.microphone);
    for (const track of stream.getAudioTracks()) peer.addTrack(track, stream);
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const given = await answer(granted, peer.localDescription?.sdp ?? "", this.abort.signal);
    this.sessionId = given.sessionId;
    this.sessionAccess = given.sessionAccess;
    try {
      await peer.setRemoteDescription({ type: "answer", sdp: given.sdp });
      await connected(peer, this.abort.signal);
    } catch (error) {
      throw new Fault("connection-failed", error);
    }
    peer.addEventListener("connectionstatechange", () => this.watch());
    this.watch();
  }

  /** @param {string} deviceId */
  async takeMicrophone(deviceId) {
    const stream = await openMicrophone(deviceId);
    const [track] = stream.getAudioTracks();
    if (this.over) {
      track.stop();
      return;
    }
    track.enabled = !this.muted;
    track.addEventListener("ended", () => {
      if (!this.over && this.microphone === stream) this.dispatchEvent(new Event("microphone-lost"));
    });
    const before = this.microphone;
    this.microphone = stream;
    const sender = this.peer?.getSenders().find((each) => each.track?.kind === "audio" || each.track === null);
    if (before && sender) await sender.replaceTrack(track);
    before?.getTracks().forEach((old) => old.stop());
  }

  /** @param {boolean} muted silence is sent while muted, so the connection stays alive */
  mute(muted) {
    this.muted = muted;
    this.microphone?.getAudioTracks().forEach((track) => (track.enabled = !muted));
  }

  /** @param {object} event a client event of the realtime protocol */
  send(event) {
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify(event));
  }

  hangUp() {
    this.end("caller");
  }

  /** @param {unknown} message */
  take(message) {
    if (typeof message !== "string") return;
    try {
      this.dispatchEvent(new CustomEvent("event", { detail: JSON.parse(message) }));
    } catch (error) {
      console.error(error);
    }
  }

  watch() {
    const state = this.peer?.connectionState;
    clearTimeout(this.lostTimer);
    if (state === "failed") this.end("lost");
    else if (state === "closed") this.end("server");
    else if (state === "disconnected") this.lostTimer = setTimeout(() => this.end("lost"), DISCONNECTED_MS);
  }

  /** @param {Ended["by"]} by */
  end(by) {
    if (this.over) return;
    if (by === "server" && !this.liveSince) return this.abort.abort();
    this.over = true;
    this.release();
    const seconds = this.liveSince ? (performance.now() - this.liveSince) / 1000 : 0;
    this.dispatchEvent(new CustomEvent("ended", { detail: { by, seconds } }));
  }

  release() {
    clearTimeout(this.lostTimer);
    this.abort.abort();
    this.channel?.close();
    this.peer?.close();
    this.microphone?.getTracks().forEach((track) => track.stop());
  }
}

/** @param {RTCPeerConnection} peer */
function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHER_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve(undefined);
    });
  });
}

/**
 * @param {RTCPeerConnection} peer
 * @param {AbortSignal} signal
 */
function connected(peer, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no audio path in time")), CONNECT_MS);
    const check = () => {
      if (peer.connectionState === "connected") resolve(undefined);
      else if (peer.connectionState === "failed" || peer.connectionState === "closed" || signal.aborted) {
        reject(new Error(`connection ${peer.connectionState}`));
      } else return;
      clearTimeout(timer);
    };
    peer.addEventListener("connectionstatechange", check);
    signal.addEventListener("abort", check);
    check();
  });
}
