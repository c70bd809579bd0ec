/**
 * Building and finding elements. Whatever comes from a server, a model or a caller is set as text and never
 * parsed as markup.
 */

/**
 * One new element.
 * @param {string} tag
 * @param {Record<string, string | boolean | null>} [attributes] `true` sets the bare attribute, `false` and `null` leave it out
 * @param {...(Node | string | null)} children strings become text nodes, null is left out
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {any} typed by its use: the page's own markup is known
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * Text that only screen readers present.
 * @param {string} text
 */
export function quiet(text) {
  return element("span", { class: "quiet" }, text);
}

/**
 * Tell something to screen readers, politely. The agent's own words are not told: they are audible.
 * @param {string} text
 */
export function announce(text) {
  byId("announce").textContent = text;
}
