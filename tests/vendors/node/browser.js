// The same client in a browser, from the bundle that the package ships for it. The test calls `start` and reads `seen`.
import {
  OpenAIRealtimeWebRTC, OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool,
} from "/bundle/openai-realtime-agents.mjs";

const seen = [];
const tell = (what, more = {}) => seen.push({ what, at: performance.now(), ...more });

const orderStatus = tool({
  name: "order_status",
  description: "Look up the status of an order by its number.",
  parameters: {
    type: "object",
    properties: { order_number: { type: "string", description: "The number of the order, digits only." } },
    required: ["order_number"],
    additionalProperties: true,
  },
  strict: false,
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

let session;

async function start({ kind, url, apiKey }) {
  const transport = kind === "webrtc"
    ? new OpenAIRealtimeWebRTC({ baseUrl: url })
    : new OpenAIRealtimeWebSocket({ url });
  session = new RealtimeSession(agent, { transport });
  session.on("audio_interrupted", () => tell("audio_interrupted"));
  session.on("audio", (event) => tell("audio", { bytes: event.data.byteLength }));
  session.on("history_updated", (history) => tell("history", { history: structuredClone(history) }));
  session.on("agent_tool_end", (_context, _agent, used, result) => tell("tool_end", { tool: used.name, result }));
  session.on("error", (error) => tell("error", { error: String(error?.error?.message ?? JSON.stringify(error?.error ?? error)) }));
  session.on("transport_event", (event) => {
    tell("event", { type: event.type, event: event.type.endsWith("audio.delta") ? null : structuredClone(event) });
  });
  session.transport.on("connection_change", (status) => tell("connection", { status }));
  await session.connect({ apiKey });
  tell("connected", { callId: session.transport.callId ?? null });
}

window.vendor = {
  seen,
  start,
  text: (text) => session.sendMessage(text),
  send: (event) => session.transport.sendEvent(event),
  audio: (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    session.sendAudio(bytes.buffer);
  },
  interrupt: () => session.interrupt(),
  close: () => session.close(),
};
