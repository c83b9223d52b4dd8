// Compare: the same seed text at four temperatures, side by side.

import { $, element, say, sayError } from "./dom.js";
import { request } from "./prompt.js";
import { generate } from "./stream.js";

const TEMPERATURES = [0.2, 0.5, 1.0, 1.5];

let running = null;

export function setUp() {
  for (const temperature of TEMPERATURES) {
    const label = `Temperature ${temperature.toFixed(1)}`;
    const text = element("pre", { className: "text", tabIndex: 0, role: "region", ariaLabel: label });
    $("columns").append(element("article", {}, element("h2", { textContent: label }), text));
  }
}

export async function submit() {
  running?.abort();
  const own = (running = new AbortController());
  const body = { ...request(), random_seed: 0 };
  const tell = (sentence) => say($("compare-status"), sentence || "Writing four texts at once …");
  tell("");
  const columns = [...$("columns").querySelectorAll("pre")];
  const texts = columns.map((column, n) => {
    return stream({ ...body, temperature: TEMPERATURES[n] }, column, own.signal, tell);
  });
  try {
    await Promise.all(texts);
    say($("compare-status"), "Done: the lower the temperature, the surer and the more alike.");
  } catch (error) {
    if (running === own) sayError($("compare-status"), error);
    own.abort();
  }
}

async function stream(body, column, signal, tell) {
  column.replaceChildren(element("b", { textContent: body.seed }));
  const { events } = await generate(body, signal, tell);
  for await (const piece of events) {
    if (!piece.done) column.append(piece.text);
  }
}
