// Learn: what a version wrote after each epoch of its training, beside the curve of its losses.

import { getJson } from "./api.js";
import { $, say, sayError } from "./dom.js";
import { chosen } from "./prompt.js";
import { fitted, line, picture, rows, scale, svg, ticks } from "./svg.js";
import { guesses } from "./words.js";

const HEIGHT = 240;
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 12, 12, 28];

let asked = null; // the version that is shown
let epochs = []; // of the version that is shown
let redraw;

export function setUp() {
  redraw = fitted($("losses"), draw);
  $("epoch").addEventListener("input", show);
  $("learn-version").addEventListener("change", () => load($("learn-version").value));
}

/** Offer the versions of the chosen model, and show the one that answers. */
export async function open() {
  try {
    const reference = chosen().model ?? (await getJson("/models")).default;
    const { name, version, versions } = await getJson(`/models/${encodeURIComponent(reference.split("@")[0])}`);
    const named = versions.map((one) => new Option(`${name}@${one.version}`));
    $("learn-version").replaceChildren(...named);
    $("learn-version").value = `${name}@${version}`;
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
    const come = await getJson(`/models/${version.split("@").map(encodeURIComponent).join("/")}/epochs.json`);
    if (asked !== version) return;
    epochs = come;
    $("epoch").max = epochs.length - 1;
    $("epoch").value = 0;
    show();
  } catch (error) {
    asked = null;
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
  const before = train_loss == null ? "Before any training" : `After ${number} of ${epochs.at(-1).number} epochs`;
  say($("learn-status"), `${before}: ${validation_loss.toFixed(2)} nats a character on unseen text, ${guesses(validation_loss)}.`);
  redraw();
}

function draw(width) {
  const losses = epochs.flatMap((one) => [one.train_loss, one.validation_loss]).filter(Number.isFinite);
  const [lowest, highest] = [Math.min(...losses), Math.max(...losses)];
  const [first, last] = [epochs[0].number, epochs.at(-1).number];
  const x = scale(first, last, LEFT, width - RIGHT);
  const y = scale(lowest, highest, HEIGHT - BOTTOM, TOP);
  const current = epochs[$("epoch").value];
  const curve = (name) => epochs.map((one) => [x(one.number), y(one[name] ?? NaN)]);
  return picture(
    width,
    HEIGHT,
    `Training and validation loss by epoch, from ${highest.toFixed(2)} to ${lowest.toFixed(2)} nats a character`,
    ...rows(ticks(lowest, highest, 5), y, LEFT, width - RIGHT),
    ...ticks(first, last, 6).filter(Number.isInteger).map((number) => svg("text", { x: x(number), y: HEIGHT - 8, "text-anchor": "middle" }, String(number))),
    svg("path", { class: "mark", d: `M${x(current.number)} ${TOP}V${HEIGHT - BOTTOM}` }),
    line(curve("train_loss"), "second"),
    line(curve("validation_loss"), "first"),
    svg("circle", { class: "first", cx: x(current.number), cy: y(current.validation_loss), r: 5 }),
  );
}
