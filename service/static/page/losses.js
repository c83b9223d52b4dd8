// The curves of a training: the losses by epoch.

import { line, picture, rows, scale, svg, ticks } from "./svg.js";

const HEIGHT = 240;
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 12, 12, 28];

/** Training and validation loss of epochs in nats, `current` marked among them.
 *
 * The loss before the training has no place: it would press the curves flat.
 */
export function losses(history, width, current = null) {
  const epochs = history.filter((one) => Number.isFinite(one.train_loss));
  const all = epochs.flatMap((one) => [one.train_loss, one.validation_loss]);
  const [lowest, highest] = [Math.min(...all), Math.max(...all)];
  const [first, last] = [epochs[0].number, epochs.at(-1).number];
  const x = scale(first, last, LEFT, width - RIGHT);
  const y = scale(lowest, highest, HEIGHT - BOTTOM, TOP);
  const curve = (name) => epochs.map((one) => [x(one.number), y(one[name])]);
  return picture(
    width,
    HEIGHT,
    `Training and validation loss by epoch, from ${highest.toFixed(2)} to ${lowest.toFixed(2)} nats a character`,
    ...rows(ticks(lowest, highest, 5), y, LEFT, width - RIGHT),
    ...ticks(first, last, 6).filter(Number.isInteger).map((number) => numberBelow(number, x(number))),
    line(curve("train_loss"), "second"),
    line(curve("validation_loss"), "first"),
    ...(epochs.includes(current) ? [marker(x(current.number), y(current.validation_loss))] : []),
  );
}

const numberBelow = (number, x) => svg("text", { x, y: HEIGHT - 8, "text-anchor": "middle" }, String(number));

const marker = (x, y) =>
  svg("g", {}, svg("path", { class: "mark", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` }), svg("circle", { class: "first", cx: x, cy: y, r: 5 }));

/** The address of a version's epochs; a version is `name@number`. */
export const epochsOf = (version) => `/models/${version.split("@").map(encodeURIComponent).join("/")}/epochs.json`;
