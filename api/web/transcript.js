/**
 * What both sides said, in the order in which they began to speak.
 *
 * The agent's words come faster than they are spoken: those already heard stand in full ink, those to come are
 * pale, and those of an interrupted reply that were never heard are struck through.
 */

import { announce, element, quiet } from "./elements.js";
import { seconds } from "./latency.js";

/** How fast words turn to ink while the agent is audible; the end of the reply corrects it. */
const CHARACTERS_A_SECOND = 15.5;

/**
 * @typedef {object} Entry
 * @property {"caller" | "agent"} side
 * @property {HTMLElement} row
 * @property {HTMLElement} words
 * @property {string} text everything known of it
 * @property {number} heard characters of it that were heard (agent)
 * @property {number} clock seconds of it that were audible (agent)
 * @property {"open" | "closed" | "cut"} state `cut`: interrupted, and `heard` is final
 * @property {number | null} heardMs
 * @property {boolean} understood
 */

export class Transcript {
  /**
   * @param {HTMLElement} list
   * @param {() => void} onGrow
   */
  constructor(list, onGrow) {
    this.list = list;
    this.onGrow = onGrow;
    this.agentName = "Agent";
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** Position at which an item began to be spoken, before it can be shown. @type {Map<string, number>} */
    this.places = new Map();
    /** Replies of which nothing was heard; late words of theirs stay away. @type {Set<string>} */
    this.removed = new Set();
    this.place = 0;
  }

  /** @param {string} agentName */
  begin(agentName) {
    this.agentName = agentName;
    this.entries.clear();
    this.places.clear();
    this.removed.clear();
    this.list.replaceChildren();
  }

  /**
   * Keep the place of an item in the conversation: the first call decides.
   * @param {string} itemId
   */
  reserve(itemId) {
    if (!this.places.has(itemId)) this.places.set(itemId, ++this.place);
  }

  /**
   * Put a row in its place.
   * @param {string} itemId
   * @param {HTMLElement} row
   */
  insert(itemId, row) {
    this.reserve(itemId);
    const place = /** @type {number} */ (this.places.get(itemId));
    row.dataset.item = itemId;
    row.dataset.place = String(place);
    const rows = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const next = rows.find((each) => Number(each.dataset.place) > place);
    this.list.insertBefore(row, next ?? null);
    this.onGrow();
  }

  /**
   * @param {string} itemId
   * @param {"caller" | "agent"} side
   * @returns {Entry}
   */
  entry(itemId, side) {
    const known = this.entries.get(itemId);
    if (known) return known;
    const words = element("p", { class: "words" });
    const name = element("span", { class: "name" }, side === "caller" ? "You" : this.agentName);
    const row = element("li", { class: `entry entry-${side}` }, element("div", { class: "who" }, name), words);
    /** @type {Entry} */
    const made = { side, row, words, text: "", heard: 0, clock: 0, state: "open", heardMs: null, understood: true };
    this.entries.set(itemId, made);
    this.insert(itemId, row);
    this.draw(made);
    return made;
  }

  /** @param {string} itemId the server took a turn of the caller; its words follow */
  callerSpoke(itemId) {
    this.entry(itemId, "caller");
  }

  /**
   * @param {string} itemId
   * @param {string} delta
   */
  callerDelta(itemId, delta) {
    const entry = this.entry(itemId, "caller");
    if (entry.state === "open") this.write(entry, entry.text + delta);
  }

  /**
   * @param {string} itemId
   * @param {string | null} text null: it could not be transcribed
   */
  callerDone(itemId, text) {
    const entry = this.entry(itemId, "caller");
    entry.state = "closed";
    entry.understood = Boolean(text?.trim());
    this.write(entry, text?.trim() ?? "");
    announce(entry.understood ? `You: ${entry.text}` : "What you said was not understood.");
  }

  /**
   * @param {string} itemId
   * @param {string} delta
   */
  agentDelta(itemId, delta) {
    if (this.removed.has(itemId)) return;
    const entry = this.entry(itemId, "agent");
    this.write(entry, entry.text + delta);
  }

  /**
   * @param {string} itemId
   * @param {string} text
   */
  agentDone(itemId, text) {
    if (this.removed.has(itemId)) return;
    const entry = this.entry(itemId, "agent");
    if (text.length >= entry.text.length) this.write(entry, text);
  }

  /** @param {string} itemId the reply was played to its end */
  agentHeard(itemId) {
    const entry = this.entries.get(itemId);
    if (!entry || entry.state !== "open") return;
    entry.state = "closed";
    this.draw(entry);
  }

  /**
   * The reply was interrupted; what was heard follows with `heard`.
   * @param {string} itemId
   * @param {number} heardMs
   */
  cut(itemId, heardMs) {
    const entry = this.entry(itemId, "agent");
    if (entry.state === "cut") return;
    entry.state = "cut";
    entry.heardMs = heardMs;
    this.draw(entry);
    announce(`You interrupted ${this.agentName}.`);
  }

  /** @param {string} itemId nothing of it was heard */
  remove(itemId) {
    this.removed.add(itemId);
    this.entries.get(itemId)?.row.remove();
    this.entries.delete(itemId);
  }

  /**
   * The server's word on what was heard of an interrupted reply.
   * @param {string} itemId
   * @param {string} heard
   */
  heard(itemId, heard) {
    const entry = this.entries.get(itemId);
    if (!entry || entry.side !== "agent") return;
    entry.state = "cut";
    entry.heard = lengthHeard(entry.text, heard);
    if (!entry.text) entry.text = heard;
    this.draw(entry);
  }

  /**
   * @param {string} itemId
   * @param {import("./latency.js").Figure} figure
   */
  waited(itemId, figure) {
    const entry = this.entries.get(itemId);
    if (!entry) return;
    const words = `${figure.approximate ? "≈ " : ""}${seconds(figure.ms)}`;
    entry.row.querySelector(".who")?.append(
      element("span", { class: "delay", title: "From your last word to the first sound of the reply" }, quiet("answered after "), words),
    );
  }

  /**
   * Time went by while the agent was audible.
   * @param {string} itemId
   * @param {number} elapsed seconds
   */
  audible(itemId, elapsed) {
    const entry = this.entries.get(itemId);
    if (!entry || entry.state !== "open") return;
    entry.clock += elapsed;
    const reached = wordEnd(entry.text, Math.round(entry.clock * CHARACTERS_A_SECOND));
    if (reached <= entry.heard) return;
    entry.heard = reached;
    this.draw(entry);
  }

  /**
   * @param {Entry} entry
   * @param {string} text
   */
  write(entry, text) {
    entry.text = text;
    this.draw(entry);
    this.onGrow();
  }

  /** @param {Entry} entry */
  draw(entry) {
    const { side, state, text, words } = entry;
    entry.row.dataset.state = state;
    if (side === "caller") {
      if (!text && state === "open") words.replaceChildren(element("span", { class: "dots", "aria-hidden": "true" }, element("i"), element("i"), element("i")));
      else if (!entry.understood) words.replaceChildren(element("span", { class: "unclear" }, "Not understood"));
      else words.textContent = text;
      return;
    }
    const heard = state === "closed" ? text.length : Math.min(entry.heard, text.length);
    const rest = text.slice(heard);
    const said = element("span", { class: "said" }, text.slice(0, heard));
    if (state === "cut") {
      const after = entry.heardMs === null ? "" : ` after ${seconds(entry.heardMs)}`;
      words.replaceChildren(
        said,
        ...(rest.trim() ? [quiet(" Not heard: "), element("s", { class: "unheard" }, rest)] : []),
        element("span", { class: "cut" }, `interrupted${after}`),
      );
    } else words.replaceChildren(said, element("span", { class: "ahead" }, rest));
  }
}

/**
 * The end of the word that holds this position.
 * @param {string} text
 * @param {number} position
 */
function wordEnd(text, position) {
  if (position >= text.length) return text.length;
  const space = text.indexOf(" ", position);
  return space < 0 ? text.length : space;
}

/**
 * How many characters of the whole text the heard part covers, compared by words: servers may tidy spaces.
 * @param {string} text
 * @param {string} heard
 */
function lengthHeard(text, heard) {
  if (text.startsWith(heard)) return heard.length;
  const words = heard.split(/\s+/).filter(Boolean).length;
  let position = 0;
  for (const match of [...text.matchAll(/\S+/g)].slice(0, words)) position = match.index + match[0].length;
  return position;
}
