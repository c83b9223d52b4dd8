// What a version's metrics say, in words.

import { grouped } from "./dom.js";
import { figure, guesses } from "./words.js";

const BASELINES = { "5-gram": "5-gram_nats", xz: "xz_nats", zstd: "zstd_nats", "a uniform guess": "uniform_nats" };

/** The losses of the baselines that were measured, by name. */
export const baselines = (metrics) =>
  Object.fromEntries(Object.entries(BASELINES).map(([name, key]) => [name, metrics[key]]).filter(([, loss]) => loss !== undefined));

const loss = (nats) => `${nats.toFixed(2)} nats a character`;

// A sentence for each metric that people ask for; a version has those that its job measured.
const SENTENCES = {
  validation_nats: (nats) => `On unseen text it needs ${loss(nats)}: ${guesses(nats)}.`,
  train_nats: (nats) => `On its training text it needs ${loss(nats)}: ${guesses(nats)}.`,
  test_nats: (nats) => `On the test text, which no choice rests on, it needs ${loss(nats)}: ${guesses(nats)}.`,
  best_epoch: (epoch) => `It is the network as it was after epoch ${epoch}.`,
  by_heart_from: (epoch) => `From epoch ${epoch} on, the training learnt by heart.`,
};

/** What the metrics of a version say. */
export const said = (metrics) =>
  Object.entries(SENTENCES)
    .filter(([name]) => metrics[name] !== undefined)
    .map(([name, sentence]) => sentence(metrics[name]));

const metric = (name, write) => ({ metrics }) => (metrics[name] === undefined ? "" : write(metrics[name]));

/** The rows of a comparison: from a name to a function from a version and the model's aliases to words. */
export const MEASURES = {
  published: ({ created }) => created.slice(0, 10),
  aliases: ({ version }, aliases) => Object.keys(aliases).filter((name) => aliases[name] === version).join(", "),
  network: ({ architecture }) => `${architecture.layers} × ${architecture.units} ${architecture.cell.toUpperCase()}`,
  "characters learnt from": ({ corpus }) => grouped(corpus.characters),
  "nats on unseen text": metric("validation_nats", (nats) => nats.toFixed(3)),
  "like guessing among": metric("validation_nats", (nats) => figure(Math.exp(nats))),
  "nats on training text": metric("train_nats", (nats) => nats.toFixed(3)),
  "nats as served": metric("int8_nats", (nats) => nats.toFixed(3)),
  "nats of a 5-gram": metric("5-gram_nats", (nats) => nats.toFixed(3)),
  "best epoch": metric("best_epoch", String),
  digest: ({ digest }) => digest.slice(0, 12),
};
