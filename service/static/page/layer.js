// A map of all units of a layer over the text, a row each, from which a unit is picked.

import { $, element } from "./dom.js";
import { number } from "./states.js";
import { fitted, picture, rows, scale, svg, ticks } from "./svg.js";
import { visible } from "./words.js";

const [LEFT, TOP, RIGHT] = [40, 24, 14]; // pixels around the map for the numbers of units and characters
const LEAST = 256; // pixels of the map's height; a unit has one or more
const STEPS = { ArrowUp: -1, ArrowDown: 1, PageUp: -32, PageDown: 32, Home: -Infinity, End: Infinity }; // rows

// What orders the units: a number for each unit, by its levels; the smallest comes first.
const ORDERS = {
  "number": (of, unit) => unit,
  "place of the highest state": (of) => of.indexOf(Math.max(...of)),
  "change from character to character": (of) => of.reduce((sum, level, place) => sum + Math.abs(level - of[Math.max(place - 1, 0)]), 0),
};

let shown = null; // {text, width, map}: the answer that is drawn
let characters = []; // of its text
let levels = []; // of each unit, by its number
let order = []; // the number of the unit in each row
let chosen = 0; // the unit that is looked at
let pointed = 0; // the row that is pointed at
let redraw;
const canvas = element("canvas");

/** Let a unit be picked: `pick` is called with its number. */
export function setUp(pick) {
  const box = $("all-units");
  $("order").append(...Object.keys(ORDERS).map((name) => new Option(name, name)));
  $("order").addEventListener("change", () => shown && sort());
  box.addEventListener("pointermove", (event) => shown && point(...under(event)));
  box.addEventListener("click", (event) => shown && pick(order[under(event)[0]]));
  box.addEventListener("keydown", (event) => {
    const way = STEPS[event.key];
    if (!shown || !(way || event.key === "Enter")) return;
    event.preventDefault();
    if (way) point(Math.min(Math.max(pointed + way, 0), order.length - 1));
    else pick(order[pointed]);
  });
  redraw = fitted(box, (width) => (shown ? drawn(width) : ""));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && paint());
}

/** Show the map of an answer. */
export function show(answer) {
  shown = answer;
  characters = [...answer.text];
  const bytes = Uint8Array.from(atob(answer.map.levels), (byte) => byte.charCodeAt(0));
  levels = answer.map.lowest.map((_, unit) => bytes.subarray(unit * characters.length, (unit + 1) * characters.length));
  $("all-units").ariaValueMax = levels.length - 1;
  sort();
}

/** Mark the unit that is looked at. */
export function choose(unit) {
  chosen = unit;
  point(order.indexOf(unit));
}

/** The units of `count` neighbouring rows, among which a unit is. */
export function around(unit, count) {
  const first = Math.floor(order.indexOf(unit) / count) * count;
  return order.slice(first, first + count);
}

function sort() {
  const keys = levels.map(ORDERS[$("order").value]);
  order = [...levels.keys()].sort((one, other) => keys[one] - keys[other]);
  paint();
  choose(Math.min(chosen, order.length - 1));
}

/** Point at a row, and say what its unit did; the place of a character may be given. */
function point(row, place) {
  pointed = row;
  const unit = order[row];
  const [lowest, highest] = [shown.map.lowest[unit], shown.map.highest[unit]];
  const state = (level) => number(scale(0, 255, lowest, highest)(level));
  const at = place === undefined ? "" : ` After character ${place}, ${visible(characters[place])}: ${state(levels[unit][place])}.`;
  $("pointed").textContent = `Unit ${unit} goes from ${number(lowest)} to ${number(highest)}.${at}`;
  $("all-units").ariaValueNow = row;
  $("all-units").ariaValueText = `unit ${unit}`;
  redraw();
}

/** The row and the place of the character under a pointer. */
function under({ clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const part = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
  return [part((clientY - top) / height, order.length), part((clientX - left) / width, characters.length)];
}

/** Colour a pixel of the canvas for each unit and character. */
function paint() {
  const colors = new Uint32Array(palette().buffer);
  const image = new ImageData(characters.length, order.length);
  const pixels = new Uint32Array(image.data.buffer);
  order.forEach((unit, row) => pixels.set(Uint32Array.from(levels[unit], (level) => colors[level]), row * characters.length));
  Object.assign(canvas, { width: image.width, height: image.height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Red, green, blue and opacity of each level, in the colours of the key. */
function palette() {
  const [blue, green] = ["map-low", "map-high"].map((id) => getComputedStyle($(id)).backgroundColor.match(/\d+/g).map(Number));
  const states = Array.from({ length: 256 }, (_, level) => scale(0, 255, -1, 1)(level));
  return new Uint8ClampedArray(states.flatMap((state) => [...(state < 0 ? blue : green).slice(0, 3), 255 * Math.abs(state)]));
}

/** About `count` whole numbers from 0 up to one that is less than a number. */
const places = (number, count) => ticks(0, number - 1, count).filter(Number.isInteger);

function drawn(width) {
  const height = Math.max(LEAST, order.length);
  const right = width - RIGHT;
  const x = scale(0, characters.length, LEFT, right);
  const y = scale(0, order.length, TOP, TOP + height);
  const row = (at, kind) => svg("rect", { class: `here ${kind}`, x: LEFT, y: y(at) - 1, width: right - LEFT, height: y(1) - y(0) + 2 });
  for (const [side, value] of Object.entries({ left: LEFT, top: TOP, width: right - LEFT, height })) canvas.style[side] = `${value}px`;
  return element(
    "div",
    {},
    canvas,
    picture(
      width,
      TOP + height,
      `Cell states of all ${order.length} units over the text, a row each`,
      svg("text", { x: LEFT - 6, y: 12, "text-anchor": "end" }, "unit"),
      svg("text", { x: LEFT, y: 12 }, "character"),
      ...places(characters.length, width / 100).slice(1).map((place) => svg("text", { x: x(place + 0.5), y: 12, "text-anchor": "middle" }, String(place))),
      ...rows(places(order.length, height / 80), (at) => y(at + 0.5), LEFT, LEFT - 4, (at) => String(order[at])),
      row(order.indexOf(chosen), "chosen"),
      row(pointed, "pointed"),
    ),
  );
}
