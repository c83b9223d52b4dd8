// The seed texts that the models bring: the seed field shows the chosen model's, until somebody types another.

import { $ } from "./dom.js";

const seeds = new Map(); // by the value of the field "model"; "" is the default model
const first = $("seed").value;

/** Learn the seed texts from the answer of /models. */
export function learn({ models, default: reference }) {
  for (const { name, seed_text } of models) {
    seeds.set(name, seed_text);
    if (name === reference.split("@")[0]) seeds.set("", seed_text);
  }
}

/** Show the seed text of the chosen model, in place of another model's. */
export function suggest() {
  const seed = seeds.get($("model").value);
  const others = [first, ...seeds.values()];
  if (seed !== undefined && others.includes($("seed").value)) $("seed").value = seed;
}
