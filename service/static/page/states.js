// Pictures of units over a text: the states of one as curves, the cell states of many as a map.

import { line, picture, rows, scale, svg, ticks } from "./svg.js";
import { glyph } from "./words.js";

const HEIGHT = 200;
const [LEFT, TOP, BOTTOM] = [36, 10, 24];
const EACH = 11; // pixels of a character below the curves
const ROW = 12; // pixels of a unit in the map
const LEVELS = 8; // of a colour in the map
const SMALLEST = 0.05; // the output gate is h / tanh C, which says nothing near 0

/** -1 at the lowest state of a unit in the text, 1 at the highest: a cell may count far beyond 1. */
export function relative(states) {
  const [lowest, highest] = [Math.min(...states), Math.max(...states)];
  return lowest === highest ? states.map(() => 0) : states.map(scale(lowest, highest, -1, 1));
}

/** Whether a unit has a cell state beside its hidden state. */
export const hasCell = ({ hidden, cell }) => cell.some((state, place) => state !== hidden[place]);

/** The output gate of an LSTM's unit, from h = o · tanh C; NaN where C is near 0. */
export const outputGate = ({ hidden, cell }) =>
  cell.map((state, place) => (Math.abs(Math.tanh(state)) < SMALLEST ? NaN : hidden[place] / Math.tanh(state)));

/** Curves of a unit's states above the characters; `place` is marked. */
export function curves(text, unit, place) {
  const characters = [...text];
  const states = [...unit.cell, ...unit.hidden, 0, 1];
  const [lowest, highest] = [Math.min(...states), Math.max(...states)];
  const width = LEFT + EACH * characters.length;
  const x = (n) => LEFT + EACH * (n + 0.5);
  const y = scale(lowest, highest, HEIGHT - BOTTOM, TOP);
  const curve = (values, kind) => line(values.map((value, n) => [x(n), y(value)]), kind);
  return picture(
    width,
    HEIGHT,
    `States of unit ${unit.unit} over the text, from ${lowest.toFixed(2)} to ${highest.toFixed(2)}`,
    ...rows(ticks(lowest, highest, 4), y, LEFT, width),
    ...(place === null ? [] : [svg("path", { class: "mark", d: `M${x(place)} ${TOP}V${HEIGHT - BOTTOM}` })]),
    ...(hasCell(unit) ? [curve(outputGate(unit), "third"), curve(unit.cell, "first")] : []),
    curve(unit.hidden, "second"),
    ...characters.map((one, n) => svg("text", { x: x(n), y: HEIGHT - 6, "text-anchor": "middle", "data-place": n }, glyph(one))),
  );
}

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
