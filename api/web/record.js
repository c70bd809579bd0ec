/** The session as the server keeps it, read over REST and shown as it is. */

import { byId, element } from "./elements.js";
import { session } from "./server.js";

/** The call's ending is written when the server has released everything; ask this often until it stands there. */
const TRIES = 8;
const PAUSE_MS = 400;

/**
 * @typedef {object} Key what reads a session
 * @property {string} id
 * @property {string} access
 *
 * @typedef {Record<string, any>} SessionRecord
 */

/**
 * Read the session once its call has ended; the last copy read when the ending does not appear in time.
 * @param {Key} key
 * @returns {Promise<SessionRecord | null>}
 */
export async function readEnded(key) {
  let record = null;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    record = (await session(key.id, key.access)) ?? record;
    if (record && ending(record)) return record;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return record;
}

/**
 * How the call ended, in the server's words without its label (`agent/hung-up: …`); null while it is live.
 * @param {SessionRecord} record
 * @returns {string | null}
 */
export function ending(record) {
  const events = (record.timelineEvents ?? []).filter((/** @type {any} */ event) => event.type === "call_ended");
  return events.length ? events[events.length - 1].description.replace(/^[a-z]+\/[a-z-]+: /, "") : null;
}

/**
 * Read the session again and show it.
 * @param {Key} key
 */
export async function showRecord(key) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("record"));
  const path = `/api/sessions/${encodeURIComponent(key.id)}`;
  const record = await session(key.id, key.access);
  const text = record === null ? "The session cannot be read: it has expired, or the server is gone." : JSON.stringify(record, null, 2);
  const command = `curl -H 'x-session-access: ${key.access}' ${location.origin}${path}`;
  const close = element("button", { type: "button", class: "button" }, "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(
    element("header", {}, element("h2", { id: "record-title" }, "Session record"), close),
    element("p", { class: "hint" }, `GET ${path}`),
    element("pre", { tabindex: "0", "aria-label": "The session as JSON" }, text),
    element("footer", {}, copyButton("Copy JSON", text), copyButton("Copy curl command", command)),
  );
  dialog.showModal();
}

/**
 * @param {string} label
 * @param {string} text
 */
function copyButton(label, text) {
  const button = element("button", { type: "button", class: "button" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => (button.textContent = label), 2000);
  });
  return button;
}
