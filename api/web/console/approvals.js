// The queue of approvals: looks every two seconds while it is seen, and never shows what it was not sent.

const LOOK_MS = 2000;
const KEY = "parley.console.key";
const NAME = "parley.console.name";
const byId = (id) => document.getElementById(id);

let looking = 0;
let shown = "";
let known = null;
let unanswered = false;

async function ask(path, body) {
  const headers = {};
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  const init = { headers, cache: "no-store" };
  if (body !== undefined) {
    init.method = "POST";
    init.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  const response = await fetch(path, init);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.message || response.statusText), { status: response.status });
  return answer;
}

function made(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function fault(id, text) {
  const place = byId(id);
  place.hidden = !text;
  place.textContent = text || "";
}

const ago = (iso) => {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(iso)) / 1000));
  return seconds < 60 ? `${seconds} s ago` : seconds < 3600 ? `${Math.round(seconds / 60)} min ago` : new Date(iso).toLocaleString();
};

const left = (iso) => {
  const seconds = Math.max(0, Math.round((Date.parse(iso) - Date.now()) / 1000));
  return seconds < 90 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;
};

const ASKERS = { model: "in a call", rest: "over the API", mcp: "over MCP" };

function asker(approval) {
  const who = approval.personaName || approval.personaId;
  return [who, ASKERS[approval.caller]].filter(Boolean).join(", ");
}

function values(parameters) {
  const list = made("dl", undefined, "values");
  for (const [name, value] of Object.entries(parameters || {})) {
    list.append(made("dt", name), made("dd", typeof value === "string" ? value : JSON.stringify(value)));
  }
  return list;
}

function waiting(approval) {
  const item = made("li", undefined, "card");
  item.dataset.id = approval.approvalId;
  const head = made("div", undefined, "head");
  head.append(made("h3", approval.toolName), made("p", "", "meta when"));
  const tags = made("p", undefined, "meta");
  tags.append(made("span", asker(approval)));
  if (approval.hipaaImpact) tags.append(" ", made("span", "health information", "tag bad"));
  item.append(head, tags, made("p", approval.description, "what"), values(approval.parameters));
  const acts = made("div", undefined, "acts");
  const note = made("p");
  const label = made("label", "Note (optional)");
  const input = made("input");
  input.id = label.htmlFor = `note-${approval.approvalId}`;
  input.maxLength = 1000;
  note.append(label, input);
  const approve = made("button", "Approve", "primary");
  const reject = made("button", "Reject", "bad");
  for (const [button, verb] of [[approve, "approve"], [reject, "reject"]]) {
    button.type = "button";
    button.setAttribute("aria-label", `${button.textContent} ${approval.toolName}`);
    button.addEventListener("click", () => decide(item, approval, verb, input.value));
  }
  acts.append(note, reject, approve);
  item.append(acts);
  return item;
}

function decided(approval) {
  const item = made("li", undefined, "card row");
  const head = made("div", undefined, "head");
  const good = approval.status === "done" || approval.status === "approved" || approval.status === "running";
  head.append(made("h3", approval.toolName), made("span", approval.status, good ? "tag" : "tag bad"));
  const by = approval.decidedAt ? `${approval.decidedBy || "?"}, ${ago(approval.decidedAt)}` : ago(approval.endedAt);
  const told = [asker(approval), by, approval.note];
  item.append(head, made("p", told.filter(Boolean).join(" · "), "meta"));
  if (approval.error && approval.status !== "rejected") item.append(made("p", approval.error, "meta"));
  return item;
}

async function decide(item, approval, verb, note) {
  for (const button of item.querySelectorAll("button")) button.disabled = true;
  fault("fault", "");
  try {
    const by = sessionStorage.getItem(NAME) || "";
    const answer = await ask(`/api/cp/tools/approvals/${encodeURIComponent(approval.approvalId)}/${verb}`, { by, note });
    byId("news").textContent = `${approval.toolName}: ${answer.approval.status}`;
  } catch (error) {
    fault("fault", error.message);
    for (const button of item.querySelectorAll("button")) button.disabled = false;
  }
  await look();
}

function draw(pending, past) {
  const list = byId("waiting");
  const ids = new Set(pending.map((approval) => approval.approvalId));
  for (const item of [...list.children]) if (!ids.has(item.dataset.id)) item.remove();
  // What is there already stays as it is: somebody may be writing a note.
  for (const approval of pending) {
    let item = [...list.children].find((one) => one.dataset.id === approval.approvalId);
    if (!item) {
      item = waiting(approval);
      list.append(item);
    }
    item.querySelector(".when").textContent = `${ago(approval.requestedAt)} · ${left(approval.expiresAt)}`;
  }
  byId("nothing").hidden = pending.length > 0;
  byId("none-decided").hidden = past.length > 0;
  const now = JSON.stringify(past);
  if (now !== shown) byId("decided").replaceChildren(...past.slice(0, 20).map(decided));
  shown = now;
  if (known !== null && pending.some((approval) => !known.has(approval.approvalId))) {
    byId("news").textContent = "Something new waits for a decision.";
  }
  known = ids;
  document.title = pending.length ? `(${pending.length}) Approvals · Parley` : "Approvals · Parley";
}

async function look() {
  clearTimeout(looking);
  try {
    const [pending, past] = await Promise.all([
      ask("/api/cp/tools/approvals"),
      ask("/api/cp/tools/approvals?status=decided"),
    ]);
    byId("sign-in").hidden = true;
    byId("desk").hidden = false;
    const name = sessionStorage.getItem(NAME);
    byId("who").hidden = !name;
    byId("who").textContent = name || "";
    if (unanswered) fault("fault", "");
    unanswered = false;
    draw(pending.approvals, past.approvals);
  } catch (error) {
    if (error.status === 401) return signIn();
    fault("fault", error.status ? error.message : "The server does not answer. Trying again.");
    unanswered = true;
  }
  if (!document.hidden) looking = setTimeout(look, LOOK_MS);
}

function signIn() {
  byId("desk").hidden = true;
  byId("sign-in").hidden = false;
  fault("sign-in-fault", sessionStorage.getItem(KEY) ? "That key is none of the server's. Send one of PARLEY_API_KEYS, without what stands before a colon." : "");
  byId("name").value = sessionStorage.getItem(NAME) || "";
  byId("key").focus();
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, byId("key").value.trim());
  sessionStorage.setItem(NAME, byId("name").value.trim());
  byId("key").value = "";
  look();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
look();
