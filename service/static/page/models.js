// Models: a card for each, with what its publisher wrote, its curves, samples and versions.

import { getJson } from "./api.js";
import { $, element, grouped, say, sayError } from "./dom.js";

let loaded = false;

/** Load the cards when the part is first opened. */
export async function open() {
  if (loaded) return;
  say($("models-status"), "Loading …");
  try {
    const { models, faults } = await getJson("/models");
    const cards = await Promise.all(models.map(({ name }) => cardOf(name)));
    $("cards").replaceChildren(...cards, ...faults.map(faultCard));
    say($("models-status"), models.length ? `${models.length} models.` : "There is no model yet: train one.");
    loaded = true;
  } catch (error) {
    sayError($("models-status"), error);
  }
}

/** The card of a model, or of the problem with its page. */
async function cardOf(name) {
  try {
    return card(await getJson(`/models/${encodeURIComponent(name)}`));
  } catch (error) {
    return faultCard({ model: name, problem: error.message });
  }
}

function faultCard({ model, problem }) {
  return element(
    "article",
    { className: "card" },
    element("h2", { textContent: model }),
    element("p", { textContent: problem }),
  );
}

function card(page) {
  const { layers, units } = page.architecture;
  return element(
    "article",
    { className: "card" },
    element("h2", { textContent: `${page.name}@${page.version}` }),
    element("p", {
      textContent:
        `${layers} layer${layers > 1 ? "s" : ""} of ${units} units, ${page.vocabulary_size} characters known, ` +
        `learnt from ${grouped(page.corpus.characters)} characters of “${page.corpus.name}”.`,
    }),
    metrics(page.metrics),
    ...curves(page),
    ...folded("Samples", page.samples),
    ...folded("Card", page.card),
    ...folded("Versions", page.versions.map(line).join("\n")),
  );
}

function metrics(values) {
  const rows = Object.entries(values).map(([name, value]) =>
    element("div", {}, element("dt", { textContent: name.replaceAll("_", " ") }), element("dd", { textContent: figure(value) })),
  );
  return element("dl", { className: "facts" }, ...rows);
}

const figure = (value) => (Number.isInteger(value) ? String(value) : value.toPrecision(4));

function curves({ name, version }) {
  const image = element("img", {
    src: `/models/${encodeURIComponent(name)}/${version}/curves.png`,
    alt: `Training and validation loss of ${name}, version ${version}`,
    loading: "lazy",
  });
  image.addEventListener("error", () => image.remove());
  return [image];
}

function folded(title, text) {
  if (!text) return [];
  const body = element("pre", { textContent: text, tabIndex: 0 });
  return [element("details", {}, element("summary", { textContent: title }), body)];
}

const line = ({ version, created, digest }) => `${version}   ${created.slice(0, 10)}   ${digest.slice(0, 12)}`;
