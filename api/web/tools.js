/** What the agent does besides talking: one card per tool call, with what it asked and what it got. */

import { announce, element, quiet } from "./elements.js";

/** Rows of a long result that are shown at once. */
const ROWS = 4;

/**
 * @typedef {object} McpCall an `mcp_call` item
 * @property {string} id
 * @property {string} name
 * @property {string} arguments a JSON string
 * @property {string | null} [output]
 * @property {{message?: string} | null} [error]
 *
 * @typedef {object} Run
 * @property {McpCall} item
 * @property {string} name
 * @property {"running" | "done" | "failed"} state
 * @property {unknown} result
 * @property {HTMLElement} row
 */

export class Tools {
  /** @param {import("./transcript.js").Transcript} transcript cards stand among the words */
  constructor(transcript) {
    this.transcript = transcript;
    /** @type {Map<string, Run>} */
    this.runs = new Map();
  }

  begin() {
    this.runs.clear();
  }

  get running() {
    return [...this.runs.values()].some((run) => run.state === "running");
  }

  /** @param {McpCall} item as it is known so far; told again as it changes */
  show(item) {
    const known = this.runs.get(item.id);
    const row = known?.row ?? element("li", { class: "tool" });
    const state = item.error ? "failed" : typeof item.output === "string" ? "done" : known?.state ?? "running";
    const result = item.error ? item.error.message ?? "It failed." : parse(item.output);
    this.runs.set(item.id, { item, name: item.name, state, result, row });
    row.dataset.state = state;
    row.replaceChildren(
      element("div", { class: "tool-head" }, element("span", { class: "tool-name" }, quiet("Tool: "), sentence(item.name)), stateMark(state)),
      section("Asked", parse(item.arguments)),
      ...(state === "running" ? [] : [section(state === "failed" ? "Failed" : "Result", result)]),
    );
    if (!known) this.transcript.insert(item.id, row);
    else this.transcript.onGrow();
    if (known?.state !== state && state !== "running") announce(`${sentence(item.name)}: ${state}.`);
  }

  /**
   * @param {string} itemId
   * @param {string} text the arguments, complete
   */
  asked(itemId, text) {
    const run = this.runs.get(itemId);
    if (run) this.show({ ...run.item, arguments: text });
  }

  /**
   * @param {string} itemId
   * @param {"running" | "done" | "failed"} state
   */
  mark(itemId, state) {
    const run = this.runs.get(itemId);
    if (!run || run.state === state) return;
    run.state = state;
    run.row.dataset.state = state;
    run.row.querySelector(".tool-state")?.replaceWith(stateMark(state));
  }

  /** A card for the summary: its name and its result only. @param {Run} run */
  static brief(run) {
    const row = element(
      "li",
      { class: "tool", "data-state": run.state },
      element("div", { class: "tool-head" }, element("span", { class: "tool-name" }, sentence(run.name)), stateMark(run.state)),
    );
    if (run.result !== undefined) row.append(section(run.state === "failed" ? "Failed" : "Result", run.result));
    return row;
  }
}

/** @param {"running" | "done" | "failed"} state */
function stateMark(state) {
  return element("span", { class: "tool-state" }, { running: "working…", done: "done", failed: "failed" }[state]);
}

/**
 * @param {string} title
 * @param {unknown} value
 */
function section(title, value) {
  if (value === undefined || value === "" || (isRecord(value) && Object.keys(value).length === 0)) return element("div", { hidden: true });
  return element("div", { class: "tool-part" }, element("h3", {}, title), present(value));
}

/**
 * A value of JSON as a person would lay it out.
 * @param {unknown} value
 * @param {string} [currency] of the record that it is in, where that says one
 * @returns {HTMLElement}
 */
export function present(value, currency = "") {
  if (Array.isArray(value)) return rows(value, currency);
  if (isRecord(value)) {
    const within = currencyOf(value) || currency;
    const pairs = telling(value).map(([key, each]) => {
      const shown = typeof each === "object" ? present(each, within) : element("span", {}, told(value, key, each, within));
      return [element("dt", {}, sentence(key)), element("dd", {}, shown)];
    });
    return element("dl", {}, ...pairs.flat());
  }
  return element("span", {}, plain(value));
}

/**
 * The pairs of a record that tell a person something: what is empty, the keys of the database, and a currency that stands
 * with its amounts, do not.
 * @param {Record<string, unknown>} value
 */
function telling(value) {
  const filled = Object.entries(value).filter(([, each]) => each !== null && each !== "");
  const words = filled.filter(([key]) => !/_id$/.test(key) && !(key === "currency" && currencyOf(value)));
  return words.length ? words : filled;
}

/**
 * @param {unknown[]} values
 * @param {string} currency
 */
function rows(values, currency) {
  if (values.length === 0) return element("span", {}, "none");
  const item = (/** @type {unknown} */ value) =>
    element("li", {}, isRecord(value) ? flat(value, currencyOf(value) || currency) : present(value, currency));
  const shown = element("ul", {}, ...values.slice(0, ROWS).map(item));
  if (values.length <= ROWS) return shown;
  const more = element("details", {}, element("summary", {}, `${values.length - ROWS} more`), element("ul", {}, ...values.slice(ROWS).map(item)));
  return element("div", {}, shown, more);
}

/**
 * A record in one line.
 * @param {Record<string, unknown>} value
 * @param {string} currency
 */
function flat(value, currency) {
  const pairs = telling(value).filter(([, each]) => typeof each !== "object");
  return pairs.map(([key, each]) => told(value, key, each, currency)).join(" · ");
}

/** Names of amounts of money. Tools that name no currency tell dollars. */
const MONEY = /^(amount|balance|deductible|fee|monthly|premium|price|refund|total)$|_(amount|balance|fee|price)$/;
/** Of these there may be others than of money: they are where the record has a currency, cents or another amount. */
const VAGUE = /^(amount|total)$/;

/**
 * @param {Record<string, unknown>} record
 * @param {string} key
 * @param {unknown} value
 * @param {string} currency
 */
function told(record, key, value, currency) {
  if (typeof value !== "number" || !MONEY.test(key)) return plain(value);
  const sure = currency || !VAGUE.test(key) || !Number.isInteger(value)
    || Object.keys(record).some((name) => MONEY.test(name) && !VAGUE.test(name));
  return sure ? money(value, currency || "USD") : plain(value);
}

/**
 * @param {number} value
 * @param {string} currency
 */
function money(value, currency) {
  return new Intl.NumberFormat(undefined, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(value);
}

/** What a record says of the currency of its amounts (ISO 4217), or "". @param {Record<string, unknown>} record */
function currencyOf(record) {
  const { currency } = record;
  return typeof currency === "string" && /^[A-Za-z]{3}$/.test(currency) ? currency.toUpperCase() : "";
}

/** @param {unknown} value */
function plain(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  const text = String(value);
  return wallTime(text) ?? text;
}

/**
 * An ISO date or time as people write it. Its offset is left alone: a time of the business stays the time on
 * the wall of the business, wherever the caller is.
 * @param {string} text
 */
function wallTime(text) {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute] = match;
  const date = new Date(Number(year), Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0));
  if (Number.isNaN(date.getTime())) return null;
  /** @type {Intl.DateTimeFormatOptions} */
  const format = { weekday: "short", day: "numeric", month: "short" };
  if (date.getFullYear() !== new Date().getFullYear()) format.year = "numeric";
  return new Intl.DateTimeFormat(undefined, hour ? { ...format, hour: "numeric", minute: "2-digit" } : format).format(date);
}

/** `starts_at` → `Starts at`. @param {string} name */
function sentence(name) {
  const words = name.replace(/([a-z])([A-Z0-9])/g, "$1 $2").replace(/[_-]+/g, " ").trim().toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {string | null | undefined} text */
function parse(text) {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
