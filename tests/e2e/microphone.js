// Runs before the page: gives the test a microphone to speak into and ears to listen with, on one audio clock.
//
// parley_test.say(wav)   plays a WAV (base64) into the microphone; resolves to when it began, in seconds
// parley_test.now()      the audio clock
// parley_test.heard(a,b) the agent's samples between two times, PCM16 little-endian at 48 kHz, base64
// parley_test.events     what came over the event channel: [{at, event}]
(() => {
  if (!navigator.mediaDevices) return;
  const context = new AudioContext({ sampleRate: 48000 });
  const microphone = context.createMediaStreamDestination();
  const hush = context.createConstantSource();
  hush.offset.value = 0;
  hush.connect(microphone);
  hush.start();
  navigator.mediaDevices.getUserMedia = async () => {
    await context.resume();
    return microphone.stream.clone();
  };

  const tap = `registerProcessor("tap", class extends AudioWorkletProcessor {
    constructor() { super(); this.block = new Int16Array(4800); this.at = 0; this.first = 0; }
    process(inputs) {
      const samples = inputs[0][0];
      for (let i = 0; i < 128; i += 1) {
        if (this.at === 0) this.first = currentFrame + i;
        this.block[this.at++] = samples ? Math.max(-1, Math.min(1, samples[i])) * 32767 : 0;
        if (this.at === 4800) { this.port.postMessage([this.first, this.block]); this.block = new Int16Array(4800); this.at = 0; }
      }
      return true;
    }
  });`;
  const blocks = [];
  let node = null;
  let source = null;
  const ready = context.audioWorklet.addModule(URL.createObjectURL(new Blob([tap], { type: "text/javascript" }))).then(() => {
    node = new AudioWorkletNode(context, "tap", { channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = (message) => blocks.push(message.data);
    node.connect(context.destination);
  });

  const base64 = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return btoa(text);
  };

  window.parley_test = {
    events: [],
    now: () => context.currentTime,
    async say(wav) {
      const bytes = Uint8Array.from(atob(wav), (c) => c.charCodeAt(0));
      const audio = await context.decodeAudioData(bytes.buffer);
      const player = context.createBufferSource();
      player.buffer = audio;
      player.connect(microphone);
      const at = context.currentTime + 0.03;
      player.start(at);
      window.parley_test.playing = player;
      return at;
    },
    heard(from, to) {
      const first = Math.round(from * 48000);
      const samples = new Int16Array(Math.max(0, Math.round(to * 48000) - first));
      for (const [frame, block] of blocks) {
        const skip = Math.max(0, first - frame);
        const place = frame + skip - first;
        if (skip >= block.length || place >= samples.length) continue;
        samples.set(block.subarray(skip, Math.min(block.length, skip + samples.length - place)), place);
      }
      return base64(new Uint8Array(samples.buffer));
    },
  };

  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...options) {
      super(...options);
      this.addEventListener("track", async (event) => {
        await ready;
        source?.disconnect();
        source = context.createMediaStreamSource(event.streams[0] ?? new MediaStream([event.track]));
        source.connect(node);
      });
    }
    createDataChannel(...options) {
      const channel = super.createDataChannel(...options);
      channel.addEventListener("message", (message) => {
        window.parley_test.events.push({ at: context.currentTime, event: JSON.parse(message.data) });
      });
      return channel;
    }
  };
})();
