/** The agents to choose from: one radio button each, drawn as a card. */

import { byId, element } from "./elements.js";
import { recall, remember } from "./memory.js";

/** @typedef {import("./server.js").Persona} Persona */

const CHOSEN = "parley.persona";
/** So many agents are seen at a glance; more are sorted by field. */
const AT_A_GLANCE = 6;

export class PersonaList {
  constructor() {
    this.box = /** @type {HTMLFieldSetElement} */ (byId("personas"));
    /** @type {Map<string, Persona>} */
    this.byId = new Map();
    this.fields = byId("fields");
    this.box.addEventListener("change", () => remember(CHOSEN, this.chosen?.id ?? ""));
    this.fields.addEventListener("click", (event) => {
      const chip = /** @type {Element} */ (event.target).closest("button");
      if (chip) this.narrow(chip.dataset.field ?? "");
    });
  }

  /**
   * @param {Persona[]} personas
   * @param {Set<string>} [unspoken] ids of those who cannot be called by voice here
   */
  show(personas, unspoken = new Set()) {
    this.byId = new Map(personas.map((persona) => [persona.id, persona]));
    const before = recall(CHOSEN);
    const chosen = this.byId.has(before) ? before : (personas.find((one) => !unspoken.has(one.id)) ?? personas[0]).id;
    const legend = element("legend", { class: "quiet" }, "Agent");
    this.box.replaceChildren(legend, ...personas.map((persona) => card(persona, persona.id === chosen, unspoken.has(persona.id))));
    this.box.removeAttribute("aria-busy");
    const fields = [...new Set(personas.map((persona) => persona.domain))];
    this.fields.hidden = personas.length <= AT_A_GLANCE || fields.length < 2;
    this.fields.replaceChildren(
      ...["", ...fields].map((field) =>
        element("button", { type: "button", class: "chip", "data-field": field, "aria-pressed": String(!field) },
          field ? field[0].toUpperCase() + field.slice(1) : "All")),
    );
  }

  /**
   * Only the agents of one field; "" is every field. The choice stays where it is to be seen.
   * @param {string} field
   */
  narrow(field) {
    for (const chip of this.fields.querySelectorAll("button")) {
      chip.setAttribute("aria-pressed", String(chip.dataset.field === field));
    }
    for (const label of this.box.querySelectorAll("label")) {
      const persona = this.byId.get(/** @type {HTMLInputElement} */ (label.querySelector("input")).value);
      label.hidden = field !== "" && persona?.domain !== field;
    }
    const seen = /** @type {HTMLInputElement[]} */ ([...this.box.querySelectorAll("label:not([hidden]) input")]);
    if (!seen.some((radio) => radio.checked) && seen[0]) {
      seen[0].checked = true;
      remember(CHOSEN, seen[0].value);
    }
  }

  /** No list: an empty box, so that nothing looks as if it were still loading. */
  clear() {
    this.box.replaceChildren(element("legend", { class: "quiet" }, "Agent"));
    this.box.removeAttribute("aria-busy");
    this.fields.hidden = true;
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
 * @param {boolean} unspoken
 */
function card(persona, checked, unspoken) {
  const id = `persona-${persona.id}`;
  const words = { lang: persona.locale ?? "en", dir: "auto" };
  const voice = persona.defaultVoice && !unspoken ? `voice ${persona.defaultVoice}` : "";
  const details = [persona.accentLabel, voice].filter(Boolean);
  return element(
    "label",
    { class: "card", for: id },
    element("input", {
      type: "radio", name: "persona", id, value: persona.id, checked, "aria-describedby": unspoken ? `${id}-about ${id}-mute` : `${id}-about`,
    }),
    element("span", { class: "mark", "aria-hidden": "true" }, initials(persona.displayName)),
    element(
      "span",
      { class: "card-words" },
      element("span", { class: "card-name", ...words }, persona.displayName),
      element("span", { class: "card-role", dir: "auto" }, persona.professionalRole ?? persona.domain),
      element("span", { class: "card-about", id: `${id}-about`, dir: "auto" }, persona.description),
      details.length ? element("span", { class: "card-details" }, details.join(" · ")) : null,
      unspoken ? element("span", { class: "card-mute", id: `${id}-mute` }, "Not taking voice calls here yet") : null,
    ),
  );
}

/** @param {string} name */
function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}
