// A text as it is made: where the connection is lost, the rest is asked for, from the last event on.

import { Lost, postStream, Problem, problemOf, readable } from "./api.js";

const PAUSES = [0.5, 1, 2, 4, 8, 16]; // seconds before the tries to go on

/**
 * Ask for a text as it is made: {cache, remembered, events}. `remembered` is the number of characters
 * in the cache; events yields the data of each piece and at last {done: summary}. Aborting the signal ends
 * the events with an AbortError. `tell` hears a sentence when the connection is lost, and "" when the text
 * goes on.
 */
export async function generate(body, signal, tell = () => {}) {
  const response = await open(body, signal);
  const remembered = Number(response.headers.get("X-Cached-Characters"));
  return { cache: response.headers.get("X-Cache"), remembered, events: resumed(response, body, signal, tell) };
}

const open = (body, signal, headers) => {
  return postStream("/generate", { ...body, stream: true }, signal, headers);
};

async function* resumed(response, asked, signal, tell) {
  const body = { ...asked, model: response.headers.get("X-Model") };
  const match = { "If-Match": response.headers.get("ETag") };
  let id = 0;
  let tries = 0;
  for (;;) {
    try {
      response ??= await open(body, signal, { ...match, "Last-Event-ID": id });
      for await (const event of eventsOf(response.body)) {
        if (tries) tell("");
        tries = 0;
        id = event.id;
        if (event.kind === "done") return yield { done: event.data };
        yield event.data;
      }
    } catch (error) {
      if (!(error instanceof Lost) || tries === PAUSES.length) throw error;
    }
    response = null;
    const pause = PAUSES[tries++];
    tell(`The connection was lost after ${id} characters. The text goes on in ${pause} s …`);
    await sleep(1000 * pause, signal);
  }
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
