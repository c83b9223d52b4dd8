// How far a model looks back: the probability of a character, by how many characters before it were read.

import { postJson } from "./api.js";
import { chosen } from "./prompt.js";
import { line, picture, rows, scale, svg, ticks } from "./svg.js";

const FARTHEST = 40; // characters
const HEIGHT = 130;
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 14, 8, 22];

/** The probability of a text's character after a line end and the last 0, 1, 2 … characters before it. */
export async function lookBack(text, place) {
  const characters = [...text];
  const count = Math.min(place, FARTHEST) + 1;
  const texts = Array.from({ length: count }, (_, n) => characters.slice(place - n, place + 1).join(""));
  const { scores } = await postJson("/score", { texts, details: true, ...chosen() });
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
