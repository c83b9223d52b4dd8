// The service's routes, as functions; what goes wrong is a Problem with a sentence for people.

import { $ } from "./dom.js";

export class Problem extends Error {}

/** Answer of a GET, or Problem. */
export async function getJson(path) {
  return (await ask(path)).json();
}

/** Answer of a POST, or Problem. */
export async function postJson(path, body, signal) {
  return (await ask(path, post(body, signal))).json();
}

/**
 * Ask for a text as it is made: {cache, events}, where events yields the data of each piece and
 * at last {done: summary}. Aborting the signal ends it with an AbortError.
 */
export async function generate(body, signal) {
  const response = await ask("/generate", post({ ...body, stream: true }, signal));
  return { cache: response.headers.get("X-Cache"), events: pieces(response.body) };
}

function post(body, signal) {
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", headers, body: JSON.stringify(body), signal };
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...options.headers, ...key() } });
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

function readable(error) {
  if (error.name === "AbortError") return error;
  return new Problem("The service cannot be reached. Is it running? Try again in a moment.");
}

async function refusal(response) {
  if (response.status === 401) $("key-wanted").hidden = false;
  const problem = await response.json().catch(() => ({}));
  const fields = (problem.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
  const said = fields.join("; ") || problem.detail || `The service answered ${response.status}.`;
  const wait = response.headers.get("Retry-After");
  // Some refusals say themselves when to come back.
  return new Problem(wait && !said.includes("try again") ? `${said}; try again in ${wait} s` : said);
}

async function* pieces(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Problem("The connection ended before the text did.");
      const events = (buffer + value).split("\n\n");
      buffer = events.pop();
      for (const { kind, data } of events.map(parse)) {
        if (kind === "error") throw new Problem(data.detail);
        if (kind === "done") return yield { done: data };
        yield data;
      }
    }
  } catch (error) {
    throw error instanceof Problem ? error : readable(error);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parse(event) {
  const field = (name) => event.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
  return { kind: field("event") ?? "message", data: JSON.parse(field("data")) };
}
