/** The page: joins the parts, and knows which phase it is in. */

import { Call } from "./call.js";
import { Conversation } from "./conversation.js";
import { Ears } from "./ears.js";
import { announce, byId } from "./elements.js";
import { Latency } from "./latency.js";
import { Fault, clearFault, showFault } from "./messages.js";
import { Meter } from "./meters.js";
import { MicrophoneList } from "./microphone.js";
import { PersonaList } from "./personas.js";
import { personas, unspoken, useKey } from "./server.js";
import { clearSummary, clock, showSummary } from "./summary.js";
import { Tools } from "./tools.js";
import { Transcript } from "./transcript.js";

/** @typedef {"setup" | "connecting" | "live" | "ended"} Phase */

/** @type {Record<import("./conversation.js").Floor, string>} */
const FLOOR = {
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking",
  working: "Looking that up",
  speaking: "Speaking",
};

/** What is shown in each phase; all else of these is hidden. @type {Record<Phase, string[]>} */
const SHOWN = {
  setup: ["setup", "microphone-field", "call"],
  connecting: ["party", "talk", "hang-up"],
  live: ["party", "clock", "talk", "mute", "hang-up"],
  ended: ["party", "talk", "summary", "other", "call"],
};

const ui = {
  call: byId("call"), callWord: byId("call-word"), mute: byId("mute"), muteWord: byId("mute-word"),
  hangUp: byId("hang-up"), hangUpWord: byId("hang-up-word"), other: byId("other"), sound: byId("sound"),
  latest: byId("latest"), state: byId("state"), name: byId("party-name"), time: byId("clock-time"),
  main: byId("main"), remote: /** @type {HTMLAudioElement} */ (byId("remote")), waiting: byId("waiting"),
};

const personaList = new PersonaList();
const microphones = new MicrophoneList(changeMicrophone);
const meters = { own: new Meter(byId("own-meter")), agent: new Meter(byId("agent-meter")) };
const transcript = new Transcript(byId("transcript"), onGrow);
const tools = new Tools(transcript);

/** @type {Call | null} */
let call = null;
/** @type {Ears | null} */
let ears = null;
let atEnd = true;
/** @type {number | undefined} */
let ticking;

/** @param {Phase} phase */
function enter(phase) {
  document.body.dataset.phase = phase;
  for (const id of new Set(Object.values(SHOWN).flat())) byId(id).hidden = !SHOWN[phase].includes(id);
  ui.callWord.textContent = phase === "ended" ? "Call again" : "Call";
  ui.hangUpWord.textContent = phase === "connecting" ? "Cancel" : "Hang up";
  ui.sound.hidden = true;
  ui.latest.hidden = true;
  ui.waiting.hidden = transcript.list.childElementCount > 0;
  document.title = phase === "live" ? `On a call – Parley` : "Parley";
  clearInterval(ticking);
}

/** @param {string} text */
function tell(text) {
  if (ui.state.textContent !== text) ui.state.textContent = text;
}

/** @param {import("./conversation.js").Floor} floor */
function tellFloor(floor) {
  document.body.dataset.floor = floor;
  tell(call?.muted && (floor === "listening" || floor === "hearing") ? "Listening – you are muted" : FLOOR[floor]);
}

async function loadPersonas() {
  try {
    const [all, mute] = await Promise.all([personas(), unspoken()]);
    personaList.show(all, mute);
    ui.call.disabled = false;
  } catch (error) {
    personaList.clear();
    fail(error, loadPersonas);
  }
}

/**
 * @param {unknown} error
 * @param {() => void} again
 */
function fail(error, again) {
  showFault(error, {
    again: () => {
      clearFault();
      again();
    },
    key: (key) => {
      useKey(key);
      clearFault();
      again();
    },
  });
}

async function place() {
  const persona = personaList.chosen;
  if (!persona || call) return;
  clearFault();
  clearSummary();
  transcript.begin(persona.displayName);
  tools.begin();
  meters.own.clear();
  meters.agent.clear();
  ui.name.textContent = persona.displayName;
  const mine = new Call(microphones.chosen);
  call = mine;
  setMuted(false);
  enter("connecting");
  tell("Connecting…");
  announce("Connecting…");
  ui.hangUp.focus();
  atEnd = true;

  /** @type {number[]} */
  const waits = [];
  const latency = new Latency((figure) => {
    waits.push(figure.ms);
    conversation.waited(figure);
  });
  const conversation = new Conversation({
    transcript,
    tools,
    latency,
    send: (event) => mine.send(event),
    now: () => ears?.now ?? performance.now() / 1000,
    onFloor: tellFloor,
  });
  let before = 0;
  const mineEars = new Ears((sound) => {
    meters.own.show(mine.muted ? 0 : sound.own);
    meters.agent.show(sound.agent);
    latency.sound(sound);
    if (sound.agentAudible && before) conversation.audible(Math.min(0.1, sound.at - before));
    before = sound.at;
  });
  ears = mineEars;
  // Without the audio clock there are no meters and latencies are approximate; the call itself is not harmed.
  mineEars.open().catch((error) => console.warn("no level meters:", error));

  mine.addEventListener("event", (event) => conversation.take(/** @type {CustomEvent} */ (event).detail));
  mine.addEventListener("remote", (event) => play(/** @type {CustomEvent} */ (event).detail));
  mine.addEventListener("microphone-lost", () => {
    byId("microphone-field").hidden = false;
    fail(new Fault("microphone-lost"), place);
  });
  mine.addEventListener("ended", (event) => {
    const ended = /** @type {CustomEvent} */ (event).detail;
    close();
    if (!ended.seconds) {
      enter("setup");
      announce("The call was cancelled.");
      ui.call.focus();
      return;
    }
    enter("ended");
    tell("Call ended");
    announce("The call has ended.");
    showSummary({
      agent: persona.displayName,
      ended,
      turns: conversation.turns,
      interruptions: conversation.interruptions,
      waits,
      runs: [...tools.runs.values()],
      key: mine.sessionId && mine.sessionAccess ? { id: mine.sessionId, access: mine.sessionAccess } : null,
    });
    if (ended.by === "lost") fail(new Fault("connection-lost"), place);
    ui.main.scrollTop = 0;
    byId("summary-title").focus({ preventScroll: true });
  });

  try {
    const live = await mine.start(persona.id);
    if (!live) return;
  } catch (error) {
    close();
    enter("setup");
    // The notice is read out by itself; what was last announced is not true any more.
    announce("");
    fail(error, place);
    ui.call.focus({ preventScroll: true });
    microphones.refresh();
    return;
  }
  if (mine.microphone) mineEars.hearOwn(mine.microphone);
  enter("live");
  tellFloor(conversation.floor);
  announce(`Connected to ${persona.displayName}.`);
  ui.time.textContent = "0:00";
  ticking = setInterval(() => (ui.time.textContent = clock((performance.now() - mine.liveSince) / 1000)), 500);
  microphones.refresh();
}

/** The call is over: let go of what the page holds for it. */
function close() {
  call = null;
  ears?.close();
  ears = null;
  ui.remote.srcObject = null;
  meters.own.clear();
  meters.agent.clear();
  delete document.body.dataset.floor;
}

/** @param {MediaStream} stream */
async function play(stream) {
  ui.remote.srcObject = stream;
  ears?.hearAgent(stream);
  try {
    await ui.remote.play();
    ui.sound.hidden = true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotAllowedError") ui.sound.hidden = false;
  }
}

/** @param {boolean} muted */
function setMuted(muted) {
  call?.mute(muted);
  document.body.dataset.muted = String(muted);
  ui.mute.setAttribute("aria-pressed", String(muted));
  ui.muteWord.textContent = muted ? "Unmute" : "Mute";
  const floor = document.body.dataset.floor;
  if (floor) tellFloor(/** @type {import("./conversation.js").Floor} */ (floor));
}

/** @param {string} deviceId */
async function changeMicrophone(deviceId) {
  if (!call) return;
  try {
    await call.takeMicrophone(deviceId);
    if (call?.microphone) ears?.hearOwn(call.microphone);
    byId("microphone-field").hidden = true;
    clearFault();
  } catch (error) {
    fail(error, () => changeMicrophone(deviceId));
  }
}

/** Something was added to the conversation. */
function onGrow() {
  ui.waiting.hidden = true;
  if (!atEnd) ui.latest.hidden = false;
}

/** Follow the conversation, unless the caller has scrolled away from its end. */
function follow() {
  if (call && atEnd) ui.main.scrollTop = ui.main.scrollHeight;
}

const resized = new ResizeObserver(follow);
resized.observe(ui.main);
resized.observe(transcript.list);
ui.main.addEventListener("scroll", () => {
  atEnd = ui.main.scrollHeight - ui.main.scrollTop - ui.main.clientHeight < 40;
  if (atEnd) ui.latest.hidden = true;
});
ui.latest.addEventListener("click", () => {
  ui.main.scrollTo({ top: ui.main.scrollHeight });
  ui.mute.focus();
});
byId("choices").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  place();
});
ui.hangUp.addEventListener("click", () => call?.hangUp());
ui.mute.addEventListener("click", () => setMuted(ui.mute.getAttribute("aria-pressed") !== "true"));
ui.other.addEventListener("click", () => {
  clearFault();
  clearSummary();
  transcript.begin("");
  enter("setup");
  personaList.focus();
});
ui.sound.addEventListener("click", () => {
  ears?.resume();
  ui.remote.play().then(() => (ui.sound.hidden = true), () => {});
});
addEventListener("pagehide", () => call?.hangUp());

enter("setup");
microphones.refresh();
loadPersonas();
