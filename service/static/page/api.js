// The service's routes, as functions; what goes wrong is a Problem with a sentence for people.

import { $ } from "./dom.js";

/** `wait`: after how many seconds the service wants to be asked again; NaN where it names none. */
export class Problem extends Error {
  constructor(reason, wait = NaN) {
    super(wait >= 0 ? `${reason}; try again in ${wait} s` : reason);
    Object.assign(this, { reason, wait });
  }
}

/** A problem of the connection or of the service, which may be over in a moment. */
export class Lost extends Problem {}

/** Answer of a GET, or Problem. */
export async function getJson(path) {
  return (await ask(path)).json();
}

/** Answer of a POST, or Problem. */
export async function postJson(path, body, signal) {
  return (await ask(path, post(body, signal))).json();
}

/** Response of a POST as it arrives, or Problem; Lost where another try may work. */
export const postStream = (path, body, signal, headers) => ask(path, post(body, signal, headers));

function post(body, signal, headers = {}) {
  const sent = { "Content-Type": "application/json", ...headers };
  return { method: "POST", headers: sent, body: JSON.stringify(body), signal };
}

async function ask(path, options = {}) {
  let response;
  try {
    // Beside the page, which a proxy may offer below a prefix.
    response = await fetch(`.${path}`, { ...options, headers: { ...options.headers, ...key() } });
  } catch (error) {
    throw readable(error);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

// Kept nowhere but in its field, which appears when the service asks for it.
function key() {
  return $("key").value ? { Authorization: `Bearer ${$("key").value}` } : {};
}

/** An error of the connection as Lost; an abort stays an abort. */
export function readable(error) {
  if (error.name === "AbortError") return error;
  return new Lost("The service cannot be reached. Is it running? Try again in a moment.");
}

/** Problem, or Lost for a status that another try may not meet. */
export const problemOf = (status) => (status >= 500 || status === 429 ? Lost : Problem);

async function refusal(response) {
  if (response.status === 401) $("key-wanted").hidden = false;
  const problem = await response.json().catch(() => ({}));
  const fields = (problem.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
  const reason = fields.join("; ") || problem.detail || `the service answered ${response.status}`;
  const wait = parseInt(response.headers.get("Retry-After")); // NaN also for a date, which a balancer may send
  const Kind = problemOf(response.status);
  // Some refusals say themselves when to come back.
  return new Kind(wait >= 0 ? reason.replace(/; try again.*/, "") : reason, wait);
}
