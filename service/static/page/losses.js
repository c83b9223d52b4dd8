// The curves of a training: the losses by epoch.

import { line, picture, rows, scale, svg, ticks } from "./svg.js";

const HEIGHT = 240;
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 12, 12, 28];

/** Training and validation loss of epochs in nats, `current` marked among them.
 *
 * The loss before the training is no part of the curves, which it would press flat: a number beside its mark says it.
 */
export function losses(history, width, current = null) {
  const epochs = history.filter((one) => Number.isFinite(one.train_loss));
  const all = epochs.flatMap((one) => [one.train_loss, one.validation_loss]);
  const [lowest, highest] = [Math.min(...all), Math.max(...all)];
  const [first, last] = [history[0].number, history.at(-1).number];
  const x = scale(first, last, LEFT, width - RIGHT);
  const y = scale(lowest, highest, HEIGHT - BOTTOM, TOP);
  const pointOf = (one) => svg("circle", { class: "first", cx: x(one.number), cy: y(one.validation_loss), r: 5 });
  // Right of the curves' steep beginning.
  const numberOf = (one) => svg("text", { x: x(epochs[0].number) + 8, y: TOP + 10 }, `${one.validation_loss.toFixed(2)} nats`);
  const curve = (name) => epochs.map((one) => [x(one.number), y(one[name])]);
  return picture(
    width,
    HEIGHT,
    `Training and validation loss by epoch, from ${highest.toFixed(2)} to ${lowest.toFixed(2)} nats a character`,
    ...rows(ticks(lowest, highest, 5), y, LEFT, width - RIGHT),
    ...ticks(first, last, 6).filter(Number.isInteger).map((number) => numberBelow(number, x(number))),
    line(curve("train_loss"), "second"),
    line(curve("validation_loss"), "first"),
    ...(current ? [lineAt(x(current.number)), epochs.includes(current) ? pointOf(current) : numberOf(current)] : []),
  );
}

const numberBelow = (number, x) => svg("text", { x, y: HEIGHT - 8, "text-anchor": "middle" }, String(number));

const lineAt = (x) => svg("path", { class: "mark", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` });

/** The address of a version's epochs; a version is `name@number`. */
export const epochsOf = (version) => `/models/${version.split("@").map(encodeURIComponent).join("/")}/epochs.json`;
