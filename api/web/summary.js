/** What is left of a call: figures, what the tools did, how it ended, and the way to its record. */

import { byId, element } from "./elements.js";
import { median, seconds } from "./latency.js";
import { ending, readEnded, showRecord } from "./record.js";
import { Tools } from "./tools.js";

/**
 * @typedef {object} Outcome
 * @property {string} agent
 * @property {import("./call.js").Ended} ended
 * @property {number} turns
 * @property {number} interruptions
 * @property {number[]} waits milliseconds, one per reply
 * @property {import("./tools.js").Run[]} runs
 * @property {import("./record.js").Key | null} key
 */

const ENDS = {
  caller: "You hung up.",
  server: "The call was ended by the other side.",
  lost: "The connection was lost.",
};

/** @param {Outcome} outcome */
export function showSummary(outcome) {
  const box = byId("summary");
  const wait = median(outcome.waits);
  const end = element("p", { class: "end" }, ENDS[outcome.ended.by]);
  box.replaceChildren(
    element("h2", { id: "summary-title", tabindex: "-1" }, `Your call with ${outcome.agent}`),
    end,
    element(
      "dl",
      { class: "figures" },
      ...figure("Duration", clock(outcome.ended.seconds)),
      ...figure("Your turns", String(outcome.turns)),
      ...figure("Interruptions", String(outcome.interruptions)),
      ...figure("Median wait", wait === null ? "–" : seconds(wait)),
    ),
    ...(outcome.runs.length ? [element("h3", {}, "What was done"), element("ul", { class: "done" }, ...outcome.runs.map(Tools.brief))] : []),
    ...(outcome.key ? [recordButton(outcome.key)] : []),
  );
  box.hidden = false;
  if (outcome.key) tellEnding(outcome.key, end, outcome.ended.by);
}

export function clearSummary() {
  const box = byId("summary");
  box.hidden = true;
  box.replaceChildren();
}

/** Minutes and seconds. @param {number} total seconds */
export function clock(total) {
  const whole = Math.max(0, Math.floor(total));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * @param {string} name
 * @param {string} value
 */
function figure(name, value) {
  return [element("div", {}, element("dt", {}, name), element("dd", {}, value))];
}

/** @param {import("./record.js").Key} key */
function recordButton(key) {
  const button = element("button", { type: "button", class: "button", id: "show-record" }, "Open the session record");
  button.addEventListener("click", () => showRecord(key));
  return element("p", {}, button);
}

/**
 * @param {import("./record.js").Key} key
 * @param {HTMLElement} line
 * @param {import("./call.js").Ended["by"]} by
 */
async function tellEnding(key, line, by) {
  const record = await readEnded(key);
  const told = record && ending(record);
  if (told && by !== "caller") line.textContent = `${told.charAt(0).toUpperCase()}${told.slice(1)}${/[.!?]$/.test(told) ? "" : "."}`;
}
