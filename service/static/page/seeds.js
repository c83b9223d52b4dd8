// The seed texts that the models bring: the seed field shows the chosen model's, until somebody types.

import { $ } from "./dom.js";

const seeds = new Map(); // by the value of the field "model"; "" is the default model
let offered = $("seed").value;

/** Learn the seed texts from the answer of /models. */
export function learn({ models, default: reference }) {
  for (const { name, seed_text } of models) {
    seeds.set(name, seed_text);
    if (name === reference.split("@")[0]) seeds.set("", seed_text);
  }
}

/** Show the seed text of the chosen model, unless the field has a text of the user's own. */
export function suggest() {
  const seed = seeds.get($("model").value);
  if (seed === undefined || $("seed").value !== offered) return;
  offered = $("seed").value = seed;
}
