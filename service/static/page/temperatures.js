// Temperature: the probabilities of the next character, re-shaped by the slider, and one drawn after another.

import { postJson } from "./api.js";
import { $, element, say, sayError, size } from "./dom.js";
import { chosen, request, untouched } from "./prompt.js";
import { fitted, picture, rows, scale, svg } from "./svg.js";
import { glyph, percent, visible } from "./words.js";

const HEIGHT = 260;
const [LEFT, TOP, BOTTOM] = [48, 12, 24];
const NARROWEST = 18; // pixels of a bar with its label
const READS = 200; // characters before the next one that the model is asked to read
const PAUSE = 400; // milliseconds between two steps
const FARTHEST = 10; // characters after the model's own seed text that are taken without a draw

let after = []; // {character, logprob} of all that may follow the text, the likeliest first; empty until asked for
let text = ""; // the seed text and what was drawn
let seed = "";
let drawn = null; // the character that the last step took, marked in the bars it was drawn from
let last = Promise.resolve(); // the last action asked for, after whose end the next begins
let running = false;
let redraw;

export function setUp() {
  redraw = fitted($("chances"), (width) => (after.length ? draw(width) : ""));
  $("temperature").addEventListener("input", redraw);
  $("step").addEventListener("click", () => act(step));
  $("run").addEventListener("click", () => {
    act(run);
    setRunning(true);
  });
  $("halt").addEventListener("click", () => (running = false));
}

/** Show the probabilities after the seed text. */
export const open = () => act(begin);

/** Begin anew after the seed text of the form. */
export const submit = () => act(begin);

/** Queue an action behind those that still wait for the service; while steps run by themselves, none is taken. */
function act(action) {
  if (running) return;
  last = last.then(action).catch((error) => sayError($("temperatures-status"), error));
}

/** Begin after the seed text; after the model's own one, at the next place where no character has most of it. */
async function begin() {
  seed = request().seed;
  await ask(seed);
  while (untouched($("seed")) && size(text) < size(seed) + FARTHEST && Math.exp(after[0].logprob) > 0.5) {
    await ask(text + after[0].character);
  }
}

/** Take the marked character into the text and ask for what follows; then draw from that. */
async function step() {
  if (seed !== request().seed) await begin();
  if (drawn !== null || !after.length) await ask(text + (drawn ?? ""));
  drawn = pick();
  render();
}

async function run() {
  try {
    while (running && document.body.dataset.part === "temperatures") {
      await step();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  } finally {
    setRunning(false);
  }
}

/** Let steps run by themselves, or one at a time. */
function setRunning(on) {
  running = on;
  $("halt").disabled = !on;
  for (const name of ["step", "run", "anew"]) $(name).disabled = on;
}

/** Show another text with what may follow; where the service refuses, nothing may. */
async function ask(other) {
  [text, drawn, after] = [other, null, []];
  // An empty text starts as after a line end.
  const read = [...text.normalize("NFC")].slice(-READS).join("") || "\n";
  try {
    ({ after } = await postJson("/inspect", { text: read, distribution: true, ...chosen() }));
  } finally {
    render();
  }
}

/** The probabilities at the temperature of the slider: softmax(logprob / temperature). */
function chances() {
  const { temperature } = request();
  const most = after[0].logprob;
  // At 0 the likeliest character has it all.
  const weights = after.map(({ logprob }, n) => (temperature ? Math.exp((logprob - most) / temperature) : n === 0 ? 1 : 0));
  const total = weights.reduce((sum, one) => sum + one, 0);
  return weights.map((one) => one / total);
}

function pick() {
  let left = Math.random();
  const place = chances().findIndex((one) => (left -= one) < 0);
  return after[Math.max(place, 0)].character;
}

function render() {
  $("drawn").replaceChildren(element("b", { textContent: seed }), text.slice(seed.length));
  if (drawn !== null) $("drawn").append(element("mark", { textContent: drawn }));
  redraw();
}

function draw(width) {
  const shares = chances();
  const count = Math.min(after.length, Math.floor((width - LEFT) / NARROWEST));
  const each = (width - LEFT) / count;
  const y = scale(0, 1, HEIGHT - BOTTOM, TOP);
  const entropy = shares.reduce((sum, one) => sum - (one > 0 ? one * Math.log2(one) : 0), 0);
  say($("temperatures-status"), sentence(shares, entropy));
  return picture(
    width,
    HEIGHT,
    `Probabilities of the next character; the likeliest are ${after.slice(0, 3).map((one, n) => `${visible(one.character)} ${percent(shares[n])}`).join(", ")}`,
    ...rows([0, 0.25, 0.5, 0.75, 1], y, LEFT, width, (share) => `${100 * share}%`),
    ...after.slice(0, count).map((one, n) => bar(one.character, shares[n], LEFT + n * each, each, y)),
  );
}

function sentence(shares, entropy) {
  const said = drawn === null ? "" : `Drawn: ${visible(drawn)}, with ${percent(shares[after.findIndex((one) => one.character === drawn)])}. `;
  return `${said}At this temperature the choice has ${entropy.toFixed(2)} bits.`;
}

function bar(character, share, left, each, y) {
  return svg(
    "g",
    { class: character === drawn ? "bar drawn" : "bar" },
    svg("title", {}, `${visible(character)}: ${percent(share)}`),
    svg("rect", { x: left + 2, width: each - 4, y: y(share), height: Math.max(y(0) - y(share), 0.5) }),
    svg("text", { x: left + each / 2, y: HEIGHT - 8, "text-anchor": "middle" }, glyph(character)),
  );
}
