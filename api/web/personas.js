/** The agents to choose from: one radio button each, drawn as a card. */

import { byId, element } from "./elements.js";
import { recall, remember } from "./memory.js";

/** @typedef {import("./server.js").Persona} Persona */

const CHOSEN = "parley.persona";

export class PersonaList {
  constructor() {
    this.box = /** @type {HTMLFieldSetElement} */ (byId("personas"));
    /** @type {Map<string, Persona>} */
    this.byId = new Map();
    this.box.addEventListener("change", () => remember(CHOSEN, this.chosen?.id ?? ""));
  }

  /** @param {Persona[]} personas */
  show(personas) {
    this.byId = new Map(personas.map((persona) => [persona.id, persona]));
    const before = recall(CHOSEN);
    const chosen = this.byId.has(before) ? before : personas[0].id;
    const legend = element("legend", { class: "quiet" }, "Agent");
    this.box.replaceChildren(legend, ...personas.map((persona) => card(persona, persona.id === chosen)));
    this.box.removeAttribute("aria-busy");
  }

  /** No list: an empty box, so that nothing looks as if it were still loading. */
  clear() {
    this.box.replaceChildren(element("legend", { class: "quiet" }, "Agent"));
    this.box.removeAttribute("aria-busy");
  }

  focus() {
    /** @type {HTMLInputElement | null} */ (this.box.querySelector("input:checked"))?.focus();
  }

  /** @returns {Persona | undefined} */
  get chosen() {
    const radio = /** @type {HTMLInputElement | null} */ (this.box.querySelector("input:checked"));
    return radio ? this.byId.get(radio.value) : undefined;
  }
}

/**
 * @param {Persona} persona
 * @param {boolean} checked
 */
function card(persona, checked) {
  const id = `persona-${persona.id}`;
  const details = [persona.accentLabel, persona.defaultVoice ? `voice ${persona.defaultVoice}` : ""].filter(Boolean);
  return element(
    "label",
    { class: "card", for: id },
    element("input", {
      type: "radio", name: "persona", id, value: persona.id, checked, "aria-describedby": `${id}-about`,
    }),
    element("span", { class: "mark", "aria-hidden": "true" }, initials(persona.displayName)),
    element(
      "span",
      { class: "card-words" },
      element("span", { class: "card-name" }, persona.displayName),
      element("span", { class: "card-role" }, persona.professionalRole ?? persona.domain),
      element("span", { class: "card-about", id: `${id}-about` }, persona.description),
      details.length ? element("span", { class: "card-details" }, details.join(" · ")) : null,
    ),
  );
}

/** @param {string} name */
function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}
