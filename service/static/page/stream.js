// A text as it is made: where the service is full, the page waits, and where the connection is lost, the
// page asks for the rest, from the last event on.

import { Lost, postStream, Problem, problemOf, readable } from "./api.js";

const FIRST_PAUSE = 0.5; // seconds before the next try; each further pause is twice as long
const PATIENCE = 60; // seconds of all pauses before a character comes

/**
 * Ask for a text as it is made: {cache, remembered, events}. `remembered` is the number of characters
 * in the cache; events yields the data of each piece and at last {done: summary}. Aborting the signal ends
 * the events with an AbortError. `tell` hears a sentence when the service is full or the connection is lost,
 * and "" when the text begins or goes on.
 */
export async function generate(body, signal, tell = () => {}) {
  const response = await begin(body, signal, tell);
  const remembered = Number(response.headers.get("X-Cached-Characters"));
  return { cache: response.headers.get("X-Cache"), remembered, events: resumed(response, body, signal, tell) };
}

const open = (body, signal, headers) => {
  return postStream("/generate", { ...body, stream: true }, signal, headers);
};

/** The response of the first request that the service does not put off. */
async function begin(body, signal, tell) {
  const pause = pauses(signal);
  for (;;) {
    try {
      return await open(body, signal);
    } catch (error) {
      if (!(error.wait >= 0)) throw error;
      await pause(error, (seconds) => tell(`${error.reason}; the page tries again in ${seconds} s …`));
      tell("");
    }
  }
}

async function* resumed(response, asked, signal, tell) {
  const body = { ...asked, model: response.headers.get("X-Model") };
  const match = { "If-Match": response.headers.get("ETag") };
  let id = 0;
  let pause = null; // while no event comes
  for (;;) {
    try {
      response ??= await open(body, signal, { ...match, "Last-Event-ID": id });
      for await (const event of eventsOf(response.body)) {
        if (pause) tell("");
        pause = null;
        id = event.id;
        if (event.kind === "done") return yield { done: event.data };
        yield event.data;
      }
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      response = null;
      pause ??= pauses(signal);
      await pause(error, (seconds) => {
        tell(`The connection was lost after ${id} characters. The text goes on in ${seconds} s …`);
      });
    }
  }
}

/**
 * A function that waits after a problem, at least as long as the service wants, and says before for how many
 * seconds; it throws the problem where the pauses would take too long.
 */
function pauses(signal) {
  let next = FIRST_PAUSE;
  let left = PATIENCE;
  return async (problem, say) => {
    const seconds = Math.max(next, problem.wait || 0);
    if (seconds > left) throw problem;
    next *= 2;
    left -= seconds;
    say(seconds);
    await sleep(1000 * seconds, signal);
  };
}

/** Yield {kind, id, data} of each event; Lost at an end before the text's. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Lost("The connection ended before the text did.");
      const events = (buffer + value).split("\n\n");
      buffer = events.pop();
      for (const event of events.filter((each) => !each.startsWith(":")).map(parse)) {
        if (event.kind === "error") throw new (problemOf(event.data.status))(event.data.detail);
        yield event;
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
  return { kind: field("event") ?? "message", id: Number(field("id")), data: JSON.parse(field("data")) };
}

const sleep = (milliseconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
