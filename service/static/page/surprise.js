// Surprise: each character of a text, generated or given, shaded by how unlikely the model found it.

import { postJson } from "./api.js";
import { $, element, say, sayError } from "./dom.js";
import { chosen, request } from "./prompt.js";
import { generate } from "./stream.js";
import { percent, visible } from "./words.js";

let running = null;
let details = []; // of each character shown

export function setUp() {
  const text = $("surprise-text");
  for (const kind of ["pointerover", "focusin", "click"]) {
    text.addEventListener(kind, ({ target }) => explain(target));
  }
  $("given").addEventListener("submit", (event) => {
    event.preventDefault();
    explainAll("Reading …", async (signal) => append(await detailsOf($("given-text").value, signal)));
  });
  text.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = way && text.children[Number(event.target.dataset.place) + way];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

/** Generate what the form says, with details. */
export const submit = () =>
  explainAll("Writing …", async (signal, tell) => {
    const { events } = await generate({ ...request(), random_seed: 0, details: true }, signal, tell);
    for await (const piece of events) piece.done || append(piece.details);
  });

/** Show a text that `come` appends, in place of the text before. */
async function explainAll(doing, come) {
  running?.abort();
  const own = (running = new AbortController());
  details = [];
  $("surprise-text").replaceChildren();
  $("likeliest").hidden = true;
  const tell = (sentence) => say($("surprise-status"), sentence || doing);
  tell("");
  try {
    await come(own.signal, tell);
    say($("surprise-status"), `Done: ${bits().toFixed(2)} bits of surprise per character.`);
  } catch (error) {
    if (running === own) sayError($("surprise-status"), error);
  }
}

/** The details of each character that the model reads of a text that nobody generated. */
async function detailsOf(given, signal) {
  const { unknown } = request();
  const by = { ...(unknown && { unknown }), ...chosen() };
  const { scores } = await postJson("/score", { texts: [given], details: true, ...by }, signal);
  const [{ text, logprobs }] = scores;
  // A model that knows no line end has scores alone.
  const likeliest = await postJson("/inspect", { text: `\n${text}`, ...chosen() }, signal).catch(() => null);
  return [...text].map((character, n) => ({ character, logprob: logprobs[n], top: likeliest?.next[n] ?? [] }));
}

function append(characters) {
  for (const one of characters) {
    const place = details.push(one) - 1;
    const mark = element("span", { textContent: one.character, tabIndex: place ? -1 : 0 });
    mark.dataset.place = place;
    mark.style.setProperty("--shade", `${Math.round(100 * (1 - Math.exp(one.logprob)))}%`);
    $("surprise-text").append(mark);
  }
}

/** The mean surprise; an unknown symbol has none. */
function bits() {
  const counted = details.filter(({ logprob }) => logprob !== null);
  return counted.reduce((sum, { logprob }) => sum - logprob, 0) / counted.length / Math.LN2;
}

/** Show the five likeliest characters in the place of one. */
function explain(mark) {
  const one = details[mark.dataset?.place];
  if (!one) return;
  for (const each of $("surprise-text").querySelectorAll("[tabindex='0']")) each.tabIndex = -1;
  mark.tabIndex = 0;
  $("likeliest").hidden = false;
  const had = one.logprob === null ? "is not counted" : `had ${percent(Math.exp(one.logprob))}`;
  $("likeliest-of").textContent = `${visible(one.character)} ${had}`;
  $("bars").replaceChildren(...bars(one.top));
}

/** A list item with a bar for each character and log-probability. */
export function bars(top) {
  return top.map(({ character, logprob }) => {
    const bar = element("i");
    const share = percent(Math.exp(logprob));
    bar.style.setProperty("--share", share);
    return element("li", {}, element("code", { textContent: visible(character) }), bar, share);
  });
}
