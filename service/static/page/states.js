// Pictures of units over a text: states and gates of one as curves, the cell states of many as a map.

import { line, picture, rows, scale, svg, ticks } from "./svg.js";
import { glyph } from "./words.js";

const STATES = 170; // pixels of the curves of the states
const GATES = 90; // and of those of the gates
const [LEFT, TOP, GAP] = [36, 26, 14];
const EACH = 11; // pixels of a character above the curves
const ROW = 12; // pixels of a unit in the map
const LEVELS = 8; // of a colour in the map
const KINDS = ["first", "second", "third"]; // of the curves in a panel

/** -1 at the lowest state of a unit in the text, 1 at the highest: a cell may count far beyond 1. */
export function relative(states) {
  const [lowest, highest] = [Math.min(...states), Math.max(...states)];
  return lowest === highest ? states.map(() => 0) : states.map(scale(lowest, highest, -1, 1));
}

/** The middle of a character in the curves, in pixels. */
export const middle = (place) => LEFT + EACH * (place + 0.5);

/** Curves of a unit's states, and of its gates if it has any, under the characters; `place` is marked. */
export function curves(text, unit, place) {
  const characters = [...text];
  const width = LEFT + EACH * characters.length;
  const [states, gates] = [statesOf(unit), gatesOf(unit)];
  const values = [...states.flat(), 0, 1];
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const below = TOP + STATES + GAP;
  const height = gates.length ? below + GATES + GAP : below;
  return picture(
    width,
    height,
    `States${gates.length ? " and gates" : ""} of unit ${unit.unit} over the text, from ${lowest.toFixed(2)} to ${highest.toFixed(2)}`,
    ...panel(states, scale(lowest, highest, TOP + STATES, TOP), ticks(lowest, highest, 4), width),
    ...(gates.length ? panel(gates, scale(0, 1, below + GATES, below), [0, 0.5, 1], width) : []),
    ...(place === null ? [] : [svg("path", { class: "mark", d: `M${middle(place)} ${TOP}V${height - GAP}` })]),
    ...characters.map((one, n) => svg("text", { x: middle(n), y: 16, "text-anchor": "middle", "data-place": n }, glyph(one))),
  );
}

const statesOf = ({ hidden, cell, gates }) => (gates ? [cell, hidden, gates.candidate] : [hidden]);

const gatesOf = ({ gates }) => (gates ? [gates.forget, gates.input, gates.output] : []);

/** A grid with up to three curves, each of its own kind. */
const panel = (curves, y, levels, width) => [
  ...rows(levels, y, LEFT, width),
  ...curves.map((values, n) => line(values.map((value, at) => [middle(at), y(value)]), KINDS[n])),
];

/** What a unit did at a character, a sentence each: what it forgot, what it took in, and what it shows. */
export function did({ hidden, cell, gates }, place) {
  const [before, after] = [cell[place - 1] ?? 0, cell[place]];
  const change = `The state went from ${number(before)} to ${number(after)}.`;
  if (!gates) return [change];
  const [f, i, o, candidate] = [gates.forget, gates.input, gates.output, gates.candidate].map((gate) => gate[place]);
  const taken = i * candidate;
  return [
    `The cell forgot ${signed(after - taken - before)} of its state ${number(before)} (f = ${number(f)}).`,
    `The cell took in i · C̃ = ${number(i)} · ${number(candidate)} = ${signed(taken)}.`,
    change,
    `The unit shows o · tanh C = ${number(o)} · ${number(Math.tanh(after))} = ${number(hidden[place])}.`,
  ];
}

/** A state as people write it. */
export const number = (value) => value.toFixed(2).replace("-", "−");
const signed = (value) => (value < 0 ? "" : "+") + number(value);

/** A map of units by characters, blue to green as the text; the row of `chosen` is marked. */
export function map(units, chosen, width) {
  const each = (width - LEFT) / units[0].cell.length;
  const cells = new Map(); // from a level to the path of the cells with that level
  units.forEach(({ cell }, row) => {
    relative(cell).forEach((state, place) => {
      const level = Math.round(LEVELS * state);
      const cellPath = `M${(LEFT + each * place).toFixed(2)} ${ROW * row}h${each.toFixed(2)}v${ROW}h${(-each).toFixed(2)}z`;
      if (level) cells.set(level, (cells.get(level) ?? "") + cellPath);
    });
  });
  return picture(
    width,
    ROW * units.length,
    `Cell states of ${units.length} units over the text, a row each`,
    ...[...cells].map(([level, d]) => svg("path", { d, class: level < 0 ? "blue" : "green", "fill-opacity": Math.abs(level) / LEVELS })),
    ...units.map(({ unit }, row) => rowOf(unit, row, unit === chosen, width)),
  );
}

const rowOf = (unit, row, chosen, width) =>
  svg(
    "g",
    { class: chosen ? "row chosen" : "row", "data-unit": unit },
    svg("rect", { x: LEFT, y: ROW * row, width: width - LEFT, height: ROW }),
    svg("text", { x: LEFT - 6, y: ROW * row + 10, "text-anchor": "end" }, String(unit)),
  );
