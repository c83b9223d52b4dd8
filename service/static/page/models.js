// Models: a card for each in words, with curves, samples, what its publisher wrote, and its versions side by side.

import { getJson } from "./api.js";
import { $, element, grouped, say, sayError } from "./dom.js";
import { epochsOf, losses } from "./losses.js";
import { markdown } from "./markdown.js";
import { baselines, MEASURES, said } from "./measures.js";
import { fitted } from "./svg.js";

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
    ...losesTo(page.metrics),
    ...said(page.metrics).map((sentence) => element("p", { textContent: sentence })),
    curves(page),
    ...folded("Samples", page.samples && [element("pre", { textContent: page.samples, tabIndex: 0 })]),
    ...folded("Card", page.card && markdown(page.card)),
    ...folded("Versions side by side", [compared(page)]),
  );
}

/** The loss of the model and of its baselines as bars, the lowest first. */
function losesTo(metrics) {
  const nats = { "this model": metrics.validation_nats, ...baselines(metrics) };
  const known = Object.entries(nats).filter(([, loss]) => loss > 0).sort(([, a], [, b]) => a - b);
  if (!known.length) return [];
  const most = known.at(-1)[1];
  const rows = known.map(([name, loss]) => {
    const bar = element("i");
    bar.style.setProperty("--share", `${(100 * loss) / most}%`);
    return element("li", {}, name, bar, loss.toFixed(2));
  });
  const label = element("p", { className: "legend", textContent: "Nats a character on unseen text; less is better" });
  return [label, element("ol", { className: "bars" }, ...rows)];
}

function curves({ name, version }) {
  const key = (kind, name) => element("span", { className: `key ${kind}`, textContent: name });
  const legend = element("p", { className: "legend" }, key("first", "unseen text"), " ", key("second", "training text"), " nats by epoch");
  const box = element("div", { className: "picture" });
  const figure = element("figure", {}, legend, box);
  let epochs = null;
  const draw = fitted(box, (width) => (epochs?.length ? losses(epochs, width) : ""));
  getJson(epochsOf(`${name}@${version}`)).then(
    (come) => draw((epochs = come)),
    () => figure.remove(),
  );
  return figure;
}

/** A table of the versions, the newest first, with a row for each measure that one of them has. */
function compared({ versions, aliases }) {
  const newest = versions.toReversed();
  const rows = Object.entries(MEASURES)
    .map(([name, of]) => [name, newest.map((version) => of(version, aliases))])
    .filter(([, values]) => values.some(Boolean))
    .map(([name, values]) => row(name, "td", values));
  const head = element("thead", {}, row("", "th", newest.map(({ version }) => `@${version}`)));
  const table = element("table", {}, head, element("tbody", {}, ...rows));
  return element("div", { className: "scrolled", tabIndex: 0, role: "region", ariaLabel: "Versions side by side" }, table);
}

const row = (name, kind, values) =>
  element("tr", {}, element(name ? "th" : "td", { textContent: name }), ...values.map((value) => element(kind, { textContent: value })));

function folded(title, content) {
  if (!content) return [];
  return [element("details", {}, element("summary", { textContent: title }), ...content)];
}
