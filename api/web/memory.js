/** Small choices that the browser keeps for the next visit. Where storage is forbidden, nothing is kept. */

/** @param {string} key @param {string} value */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows and strict settings refuse storage; the choice then lasts as long as the page.
  }
}

/** @param {string} key @returns {string} */
export function recall(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
