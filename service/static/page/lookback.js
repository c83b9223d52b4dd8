// How far a model looks back from a character: which characters before it count, and how many it needs.

import { postJson } from "./api.js";
import { element } from "./dom.js";
import { line, picture, rows, scale, svg, ticks } from "./svg.js";

const FARTHEST = 40; // characters
const DECADES = 3; // of the gradient, from the full colour to none
const HEIGHT = 130;
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 14, 8, 22];

/** The version that an answer came from, as a request names it. */
const sameModel = ({ model, version }) => ({ model: `${model}@${version}` });

/** The norms of the gradient of a character's loss by the characters before it in the text of an answer. */
export async function gradientAt(answer, place) {
  const { gradient } = await postJson("/inspect", { text: answer.text, gradient_at: place, ...sameModel(answer) });
  return gradient;
}

/** The characters before a place, each shaded by its norm on a logarithmic scale, and the one in the place. */
export function strip(text, place, norms) {
  const characters = [...text].slice(place - norms.length, place + 1);
  const largest = Math.max(...norms);
  const shaded = norms.map((norm, n) => {
    const shade = norm ? Math.max(0, 1 + Math.log10(norm / largest) / DECADES) : 0;
    const made = element("span", { textContent: characters[n], title: norm.toPrecision(2) });
    made.style.setProperty("--shade", `${Math.round(100 * shade)}%`);
    return made;
  });
  return [...shaded, element("mark", { textContent: characters.at(-1) })];
}

/** How many of the last characters have a share of the norms' sum. */
export function lastWith(share, norms) {
  const total = norms.reduce((sum, norm) => sum + norm, 0);
  let sum = 0;
  return norms.length - norms.findLastIndex((norm) => (sum += norm) >= share * total);
}

/** The probability of a character of an answer's text after a line end and the last 0, 1, 2 … characters before it. */
export async function lookBack(answer, place) {
  const characters = [...answer.text];
  const count = Math.min(place, FARTHEST) + 1;
  const texts = Array.from({ length: count }, (_, n) => characters.slice(place - n, place + 1).join(""));
  const { scores } = await postJson("/score", { texts, details: true, ...sameModel(answer) });
  return scores.map(({ logprobs }) => Math.exp(logprobs.at(-1)));
}

/** A curve of these probabilities. */
export function lookBackCurve(shares, width) {
  const farthest = Math.max(shares.length - 1, 1);
  const x = scale(0, farthest, LEFT, width - RIGHT);
  const y = scale(0, 1, HEIGHT - BOTTOM, TOP);
  const below = ticks(0, farthest, 4).filter(Number.isInteger);
  return picture(
    width,
    HEIGHT,
    `Probability by characters read: ${shares.map((share) => share.toFixed(2)).join(", ")}`,
    ...rows([0, 0.5, 1], y, LEFT, width - RIGHT, (share) => `${100 * share}%`),
    ...below.map((count) => svg("text", { x: x(count), y: HEIGHT - 6, "text-anchor": "middle" }, String(count))),
    line(shares.map((share, count) => [x(count), y(share)]), "first"),
  );
}
