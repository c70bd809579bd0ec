/** The server's REST operations that this page uses. Every failure is a Fault. */

import { Fault } from "./messages.js";

/** The operator's key, for servers that ask for one before they mint credentials. */
let accessKey = "";

/**
 * @typedef {object} Persona
 * @property {string} id
 * @property {string} displayName
 * @property {string} domain
 * @property {string} description
 * @property {string} defaultVoice
 * @property {string} [professionalRole]
 * @property {string} [accentLabel]
 * @property {string} [locale] BCP 47
 *
 * @typedef {object} Credentials
 * @property {string} token
 * @property {string} expiresAt ISO 8601
 * @property {string | null} webrtcUrl
 *
 * @typedef {object} Answer
 * @property {string} sdp
 * @property {string | null} sessionId
 * @property {string | null} sessionAccess the key that reads the session
 */

/**
 * @param {string} url
 * @param {RequestInit} [options]
 */
async function request(url, options) {
  try {
    return await fetch(url, { cache: "no-store", ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Fault("server-unreachable", error);
  }
}

/**
 * @param {Response} response
 * @param {Record<number, string>} codes fault by status, before the general ones
 */
async function refuse(response, codes) {
  const general = { 409: "session-busy", 429: "too-many", 503: "server-full" };
  const told = await response.json().catch(() => null);
  if ((told?.error?.code ?? told?.error) === "language_not_spoken") return new Fault("language-not-spoken");
  return new Fault({ ...general, ...codes }[response.status] ?? "server-fault");
}

/** @param {string} key kept until the page is closed, and nowhere but in its memory */
export function useKey(key) {
  accessKey = key;
}

/** @returns {Promise<Persona[]>} */
export async function personas() {
  const response = await request("/api/personas");
  if (!response.ok) throw new Fault("personas-missing");
  try {
    const items = (await response.json()).items;
    if (!Array.isArray(items) || items.length === 0) throw new TypeError("no personas");
    return items;
  } catch (error) {
    throw new Fault("personas-missing", error);
  }
}

/**
 * Who cannot be called by voice on this server. What cannot be learned is nobody: the call itself will tell.
 * @returns {Promise<Set<string>>} ids
 */
export async function unspoken() {
  try {
    const response = await request("/api/personas/unspoken");
    return new Set(response.ok ? (await response.json()).items : []);
  } catch {
    return new Set();
  }
}

/**
 * A short-lived token for one persona.
 * @param {string} personaId
 * @param {AbortSignal} signal
 * @returns {Promise<Credentials>}
 */
export async function credentials(personaId, signal) {
  const response = await request("/api/realtime/credentials", {
    method: "POST",
    headers: { "content-type": "application/json", ...(accessKey ? { "x-api-key": accessKey } : {}) },
    body: JSON.stringify({ personaId }),
    signal,
  });
  if (!response.ok) throw await refuse(response, { 401: "key-needed", 404: "persona-unknown" });
  return response.json();
}

/**
 * Trade an SDP offer for the server's answer.
 * @param {Credentials} granted
 * @param {string} offer
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function answer(granted, offer, signal) {
  if (!granted.webrtcUrl) throw new Fault("server-fault");
  const response = await request(granted.webrtcUrl, {
    method: "POST",
    headers: { "content-type": "application/sdp", authorization: `Bearer ${granted.token}` },
    body: offer,
    signal,
  });
  if (!response.ok) throw await refuse(response, { 401: "token-refused", 403: "token-refused" });
  return {
    sdp: await response.text(),
    sessionId: response.headers.get("x-session-id"),
    sessionAccess: response.headers.get("x-session-access"),
  };
}

/**
 * The session's record, or null when it cannot be read (any more).
 * @param {string} id
 * @param {string} access
 * @returns {Promise<Record<string, any> | null>}
 */
export async function session(id, access) {
  try {
    const response = await request(`/api/sessions/${encodeURIComponent(id)}`, { headers: { "x-session-access": access } });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
