// Write: one text, streamed; stopped, continued, drawn anew, copied, linked to.

import { $, copy, element, grouped, say, sayError, size } from "./dom.js";
import { fragment, request } from "./prompt.js";
import { generate } from "./stream.js";

// Random seeds that a JavaScript number holds exactly, and that people can read out.
const RANDOM_SEEDS = 1_000_000;

let asked = null; // the request whose text is shown
let text = ""; // what was generated, without the seed text
let running = null; // AbortController of the text being written

export function setUp() {
  $("stop").addEventListener("click", () => running?.abort());
  $("continue").addEventListener("click", () => {
    write({ ...asked, length: size(text) + request().length }, text);
  });
  $("again").addEventListener("click", () => {
    write({ ...request(), random_seed: Math.floor(Math.random() * RANDOM_SEEDS) });
  });
  $("copy-text").addEventListener("click", () => copy($("copy-text"), asked.seed + text));
  $("copy-curl").addEventListener("click", () => copy($("copy-curl"), curl(whole())));
  $("copy-link").addEventListener("click", () => {
    copy($("copy-link"), location.origin + location.pathname + fragment(whole()));
  });
}

/** Generate what the form says. */
export const submit = () => write({ ...request(), random_seed: 0 });

/** Stream the text of a request; `before` is its beginning, shown until more has come. */
export async function write(body, before = "") {
  running?.abort();
  const own = (running = new AbortController());
  asked = body;
  text = before;
  render(true);
  let waited = false;
  const tell = (sentence) => {
    waited ||= Boolean(sentence);
    say($("write-status"), sentence || "Writing …");
  };
  tell("");
  const began = performance.now();
  try {
    const { cache, remembered, events } = await generate(body, own.signal, tell);
    let come = "";
    for await (const piece of events) {
      if (running !== own) return;
      if (piece.done) finish(piece.done, cache, remembered, waited ? null : performance.now() - began);
      else come += piece.text;
      if (come.length >= text.length) text = come;
      render(true);
    }
  } catch (error) {
    if (running === own) sayError($("write-status"), error);
  }
  if (running === own) {
    running = null;
    render(false);
  }
}

function render(busy) {
  $("text").replaceChildren(element("b", { textContent: asked.seed }), text);
  $("text").setAttribute("aria-busy", busy);
  $("stop").disabled = !busy;
  // A text with a pattern has its own end, and another length could give another text.
  $("continue").disabled = busy || !text || Boolean(asked.pattern);
  $("again").disabled = busy;
  $("copies").hidden = busy || !text;
  $("random-seed").textContent = asked.random_seed;
}

/** `milliseconds` is null where the page has waited for the service: the speed would not be the engine's. */
function finish(summary, cache, remembered, milliseconds) {
  asked = { ...asked, model: `${summary.model}@${summary.version}` };
  say($("write-status"), `Done: ${grouped(size(text))} characters by ${asked.model}.`);
  $("cache").textContent = {
    hit: "hit: nothing was computed, this text was remembered",
    partial: `partial: ${grouped(remembered)} characters were remembered, ${grouped(size(text) - remembered)} computed`,
    miss: "miss: all of it was computed",
  }[cache] ?? cache;
  // Remembered characters took no time to compute.
  const computed = size(text) - remembered;
  $("speed").parentElement.hidden = milliseconds === null || computed <= 0;
  $("speed").textContent = `${grouped((1000 * computed) / milliseconds)} characters/s`;
  $("facts").hidden = false;
}

/** The request of the text as it stands, also when it was stopped. */
const whole = () => (asked.pattern ? asked : { ...asked, length: Math.max(size(text), 1) });

function curl(body) {
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl -d '${quoted}' -H 'content-type: application/json' ${new URL("generate", location)}`;
}
