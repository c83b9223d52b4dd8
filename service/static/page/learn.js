// Learn: what a version wrote after each epoch of its training, beside the curve of its losses.

import { getJson } from "./api.js";
import { $, say, sayError } from "./dom.js";
import { epochsOf, losses } from "./losses.js";
import { chosen } from "./prompt.js";
import { fitted } from "./svg.js";
import { guesses } from "./words.js";

let offered = null; // the choice of a model whose versions are offered
let asked = null; // the version that is shown
let epochs = []; // of the version that is shown
let redraw;

export function setUp() {
  redraw = fitted($("losses"), (width) => (epochs.length ? losses(epochs, width, epochs[$("epoch").value]) : ""));
  $("epoch").addEventListener("input", show);
  $("learn-version").addEventListener("change", () => load($("learn-version").value));
}

/** Offer the versions of the chosen model, and show the one that answers. */
export async function open() {
  const model = $("model").value;
  if (offered === model) return;
  try {
    const reference = chosen().model ?? (await getJson("/models")).default;
    const { name, version, versions } = await getJson(`/models/${encodeURIComponent(reference.split("@")[0])}`);
    const named = versions.map((one) => new Option(`${name}@${one.version}`));
    $("learn-version").replaceChildren(...named);
    $("learn-version").value = `${name}@${version}`;
    offered = model;
    await load($("learn-version").value);
  } catch (error) {
    sayError($("learn-status"), error);
  }
}

async function load(version) {
  if (asked === version) return;
  asked = version;
  say($("learn-status"), "Loading …");
  try {
    const come = await getJson(epochsOf(version));
    if (asked !== version) return;
    epochs = come;
    $("epoch").max = epochs.length - 1;
    $("epoch").value = 0;
    show();
  } catch (error) {
    asked = offered = null;
    $("lesson").hidden = true;
    sayError($("learn-status"), error);
  }
}

/** Show the epoch of the slider. */
function show() {
  const { number, train_loss, validation_loss, samples } = epochs[$("epoch").value];
  $("lesson").hidden = false;
  $("epoch-number").value = number;
  for (const temperature of ["0.5", "1.0"]) $(`sample-${temperature}`).textContent = samples[temperature] ?? "";
  const before = train_loss == null ? "Before the training" : `After ${number} of ${epochs.at(-1).number} epochs`;
  say($("learn-status"), `${before}: ${validation_loss.toFixed(2)} nats a character on unseen text, ${guesses(validation_loss)}.`);
  redraw();
}
