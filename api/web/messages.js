/** What can go wrong, in the caller's words: what happened, and what to do about it. */

import { byId, element } from "./elements.js";

/**
 * @typedef {object} Message
 * @property {string} title what happened
 * @property {string} advice what to do
 * @property {"again" | "reload" | "key" | null} action the button that does it
 */

/** @type {Record<string, Message>} */
const MESSAGES = {
  "insecure-page": {
    title: "This address cannot use a microphone",
    advice: "Browsers give the microphone to secure pages only. Open this page over https://, or as http://localhost on the machine that runs Parley.",
    action: null,
  },
  "no-webrtc": {
    title: "This browser cannot place calls",
    advice: "It has no WebRTC, or it is switched off. Use a current Chrome, Edge, Firefox or Safari.",
    action: null,
  },
  "microphone-refused": {
    title: "The microphone was refused",
    advice: "Allow the microphone for this site: use the icon beside the address, or your system’s privacy settings. Then call again.",
    action: "again",
  },
  "microphone-missing": {
    title: "No microphone was found",
    advice: "Plug one in or switch it on, check that it is not disabled in your system settings, then call again.",
    action: "again",
  },
  "microphone-busy": {
    title: "The microphone could not be opened",
    advice: "Another program may be using it. Close other calls and recorders, or choose another microphone, then call again.",
    action: "again",
  },
  "microphone-lost": {
    title: "The microphone was disconnected",
    advice: "The agent cannot hear you. Plug it in again, or choose another microphone below; the call goes on.",
    action: null,
  },
  "personas-missing": {
    title: "The list of agents could not be loaded",
    advice: "The server answered, but not with its agents. Check its log, then reload this page.",
    action: "reload",
  },
  "server-unreachable": {
    title: "The server cannot be reached",
    advice: "Check your network, and that Parley is running at this address. Then try again.",
    action: "again",
  },
  "key-needed": {
    title: "This server asks for an access key",
    advice: "Enter the key that its operator gave you. It is forgotten when you close this page.",
    action: "key",
  },
  "token-refused": {
    title: "The call was not authorised",
    advice: "The ticket for this call was refused or had expired. Call again to get a new one.",
    action: "again",
  },
  "persona-unknown": {
    title: "This agent is not available any more",
    advice: "Reload the page to see the agents that are.",
    action: "reload",
  },
  "language-not-spoken": {
    title: "This agent’s language is not spoken here yet",
    advice: "The server has no provider for it: its built-in engine hears and speaks English. Choose an English agent, or ask the operator to configure a provider.",
    action: null,
  },
  "session-busy": {
    title: "This session is already on a call",
    advice: "Hang up in the other window first, then call again.",
    action: "again",
  },
  "server-full": {
    title: "All lines are busy",
    advice: "The server has as many calls as it can hold well. Wait a minute, then call again.",
    action: "again",
  },
  "too-many": {
    title: "Too many calls from here",
    advice: "Wait a minute, then call again.",
    action: "again",
  },
  "server-fault": {
    title: "The server could not start the call",
    advice: "Call again. If it happens again, its operator finds the reason in the server’s log.",
    action: "again",
  },
  "connection-failed": {
    title: "The call could not be connected",
    advice: "The server answered, but no audio path was found. A firewall or VPN may block UDP: try another network, or ask the operator to run `parley doctor`.",
    action: "again",
  },
  "connection-lost": {
    title: "The connection was lost",
    advice: "What was said until then is kept below. Check your network, then call again.",
    action: "again",
  },
  "page-fault": {
    title: "Something went wrong on this page",
    advice: "Reload it and try again. Your browser’s console has the details.",
    action: "reload",
  },
};

/** A call that could not be placed or held; `code` names its message. */
export class Fault extends Error {
  /**
   * @param {string} code a key of MESSAGES
   * @param {unknown} [cause]
   */
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}

/**
 * Show a fault, and move the focus to it.
 * @param {unknown} error a Fault; anything else is a fault of this page
 * @param {{again: () => void, key: (key: string) => void}} actions
 */
export function showFault(error, actions) {
  const code = error instanceof Fault ? error.code : "page-fault";
  if (code === "page-fault") console.error(error);
  const message = MESSAGES[code] ?? MESSAGES["page-fault"];
  const notice = byId("notice");
  notice.dataset.fault = code;
  notice.replaceChildren(
    element("h2", {}, message.title),
    element("p", {}, message.advice),
    ...remedy(message.action, actions),
  );
  notice.hidden = false;
  notice.scrollIntoView({ block: "nearest" });
}

export function clearFault() {
  const notice = byId("notice");
  notice.hidden = true;
  notice.replaceChildren();
  delete notice.dataset.fault;
}

/**
 * @param {Message["action"]} action
 * @param {{again: () => void, key: (key: string) => void}} actions
 * @returns {HTMLElement[]}
 */
function remedy(action, actions) {
  if (action === null) return [];
  if (action === "key") {
    const field = /** @type {HTMLInputElement} */ (
      element("input", { type: "password", name: "key", autocomplete: "off", required: true, "aria-label": "Access key" })
    );
    const form = element("form", { class: "key" }, field, element("button", { class: "button" }, "Use this key and call"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.key(field.value.trim());
    });
    return [form];
  }
  const button = element("button", { type: "button", class: "button" }, action === "reload" ? "Reload the page" : "Try again");
  button.addEventListener("click", () => (action === "reload" ? location.reload() : actions.again()));
  return [button];
}
