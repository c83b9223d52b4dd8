// What the chosen model brings: its seed text, and a text that it wrote. A field shows it until somebody types another.

import { postJson } from "./api.js";
import { $ } from "./dom.js";
import { chosen, put } from "./prompt.js";

const LONGEST = 2000; // characters that the model is asked to read
const TOGETHER = 40; // texts of a model of many short texts

const models = new Map(); // by the value of the field "model"; "" is the default model

/** Learn of the models from the answer of /models. */
export function learn({ models: listed, default: reference }) {
  for (const model of listed) models.set(model.name, model);
  models.set("", models.get(reference.split("@")[0]));
}

const known = () => models.get($("model").value.split("@")[0]);

/** Show the seed text of the chosen model. */
export const suggest = () => known() && put($("seed"), known().seed_text);

/** A text that the chosen model wrote, always the same one: every model knows its own characters. */
export async function written() {
  const many = known()?.corpus.texts;
  const body = many ? { seed: "", count: TOGETHER } : { seed: known()?.seed_text ?? "", count: 1, temperature: 0.5 };
  const { texts, seed } = await postJson("/generate", { ...body, ...chosen() });
  return [...texts.map(({ text }) => seed + text).join("\n").normalize("NFC")].slice(0, LONGEST).join("");
}
