/** The caller's microphone: which there are, and opening one. */

import { byId, element } from "./elements.js";
import { recall, remember } from "./memory.js";
import { Fault } from "./messages.js";

const CHOSEN = "parley.microphone";

/** By the name of the DOMException that getUserMedia rejects with. @type {Record<string, string>} */
const FAULTS = {
  NotAllowedError: "microphone-refused",
  SecurityError: "microphone-refused",
  NotFoundError: "microphone-missing",
  OverconstrainedError: "microphone-missing",
  NotReadableError: "microphone-busy",
  AbortError: "microphone-busy",
};

/**
 * Ask for the microphone. Raises Fault.
 * @param {string} deviceId empty: the browser's choice
 * @returns {Promise<MediaStream>}
 */
export async function openMicrophone(deviceId) {
  if (!window.isSecureContext || !navigator.mediaDevices) throw new Fault("insecure-page");
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio });
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (deviceId && (name === "OverconstrainedError" || name === "NotFoundError")) return openMicrophone("");
    throw new Fault(FAULTS[name] ?? "microphone-busy", error);
  }
}

/** The list to choose from. Browsers tell the names only once the microphone has been allowed. */
export class MicrophoneList {
  /** @param {(deviceId: string) => void} onChange */
  constructor(onChange) {
    this.select = /** @type {HTMLSelectElement} */ (byId("microphone"));
    this.select.addEventListener("change", () => {
      remember(CHOSEN, this.select.value);
      onChange(this.select.value);
    });
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.refresh());
  }

  get chosen() {
    return this.select.value;
  }

  async refresh() {
    if (!navigator.mediaDevices?.enumerateDevices) return;
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "audioinput");
    const named = devices.filter((device) => device.deviceId && device.label);
    const before = this.select.value || recall(CHOSEN);
    this.select.replaceChildren(element("option", { value: "" }, "Default microphone"));
    for (const device of named) {
      if (device.deviceId !== "default") this.select.append(element("option", { value: device.deviceId }, device.label));
    }
    this.select.value = named.some((device) => device.deviceId === before) ? before : "";
    if (this.select.selectedIndex < 0) this.select.value = "";
  }
}
