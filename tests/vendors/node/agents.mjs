// Drives @openai/agents-realtime over a WebSocket, unmodified, as its documents show. Commands come as JSON lines on
// stdin, what happens goes out as JSON lines on stdout; the test decides what must hold.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";

const CHUNK_MS = 40;
const tell = (what, more = {}) => process.stdout.write(`${JSON.stringify({ what, at: Date.now(), ...more })}\n`);

const orderStatus = tool({
  name: "order_status",
  description: "Look up the status of an order by its number.",
  parameters: z.object({ order_number: z.string().describe("The number of the order, digits only.") }),
  execute: async ({ order_number }) => {
    tell("tool", { order_number });
    return `Order ${order_number} was shipped yesterday.`;
  },
});

const agent = new RealtimeAgent({
  name: "Helper",
  instructions: "You help people with their orders. Use order_status when they ask about an order.",
  tools: [orderStatus],
});

const session = new RealtimeSession(agent, { transport: "websocket", model: "gpt-realtime-2.1" });
let bytes = 0;
session.on("audio", (event) => {
  if (bytes === 0) tell("audio_started");
  bytes += event.data.byteLength;
});
session.on("audio_interrupted", () => {
  tell("audio_interrupted", { bytes });
  bytes = 0;
});
session.on("audio_stopped", () => {
  tell("audio_stopped", { bytes });
  bytes = 0;
});
session.on("history_updated", (history) => tell("history", { history }));
session.on("agent_tool_end", (_context, _agent, used, result) => tell("tool_end", { tool: used.name, result }));
session.on("error", (error) => tell("error", { error: JSON.parse(JSON.stringify(error?.error ?? error)) }));
session.on("transport_event", (event) => tell("event", { type: event.type, event: shortened(event) }));
session.transport.on("connection_change", (status) => tell("connection", { status }));

function shortened(event) {
  return event.type === "response.output_audio.delta" ? { ...event, delta: event.delta.length } : event;
}

let speaking = Promise.resolve();
/** A file of PCM16 at 24 kHz, at the pace of speech, as a microphone gives it. */
async function speak(path) {
  const pcm = readFileSync(path);
  const size = 48 * CHUNK_MS;
  const began = Date.now();
  for (let at = 0; at < pcm.length; at += size) {
    const chunk = pcm.subarray(at, at + size);
    session.sendAudio(chunk.buffer.slice(chunk.byteOffset, chunk.byteOffset + chunk.byteLength));
    const due = began + ((at / size) + 1) * CHUNK_MS;
    await new Promise((done) => setTimeout(done, Math.max(0, due - Date.now())));
  }
  tell("spoken", { path });
}

const commands = {
  connect: async ({ url, apiKey }) => {
    await session.connect({ url, apiKey });
    tell("connected");
  },
  text: ({ text }) => session.sendMessage(text),
  speak: ({ path }) => {
    speaking = speaking.then(() => speak(path));
  },
  send: ({ event }) => session.transport.sendEvent(event),
  interrupt: () => session.interrupt(),
  close: () => {
    session.close();
    process.exit(0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...more } = JSON.parse(line);
  try {
    await commands[command](more);
  } catch (fault) {
    tell("fault", { command, message: String(fault?.message ?? fault) });
  }
}
