// Inside: a text coloured by one unit's cell state, and units that tell marked characters apart.

import { postJson } from "./api.js";
import { $, element, say, sayError } from "./dom.js";
import * as layer from "./layer.js";
import { gradientAt, lastWith, lookBack, lookBackCurve, strip } from "./lookback.js";
import { marked, NAMES, selection, tellsApart } from "./marks.js";
import { chosen, put, untouched } from "./prompt.js";
import { written } from "./seeds.js";
import { curves, did, map, middle, relative } from "./states.js";
import { bars } from "./surprise.js";
import { fitted } from "./svg.js";
import { visible } from "./words.js";

const TOGETHER = 32; // units side by side, which are neighbours in the map of all units

let shown = null; // the answer whose text is coloured
let ranked = null; // the answer that ranks units
let known = null; // {asked, width, gates}: of the layer in the map of all units, and whether it has gates
let unit = null; // of the answer, the one that is looked at
let place = null; // of the character that is explained
let looking = null; // the look back that was asked for last
let selected = [];
let redrawMap;
let last = Promise.resolve(); // the action before, which the next one waits for

export function setUp() {
  $("mark").append(...NAMES.map((name) => new Option(name, name)));
  $("look").addEventListener("submit", (event) => {
    event.preventDefault();
    act(color);
  });
  $("previous").addEventListener("click", () => act(() => step(-1)));
  $("next").addEventListener("click", () => act(() => step(1)));
  $("find").addEventListener("click", () => act(find));
  for (const kind of ["input", "select"]) $("inside-text").addEventListener(kind, offerMarks);
  for (const kind of ["pointerover", "click"]) $("cells").addEventListener(kind, explain);
  for (const part of ["cells", "states"]) $(part).addEventListener("click", showLookBack);
  $("states").addEventListener("click", explain);
  $("map").addEventListener("click", choose);
  layer.setUp((unit) => act(() => pick(unit)));
  redrawMap = fitted($("map"), (width) => (shown ? map(shown.units, unit.unit, width) : ""));
}

/** Look at once when the part is opened for the first time, or for another model. */
export function open() {
  offerMarks();
  if (!known || known.asked.model !== chosen().model) inTurn(begin).catch((error) => sayError($("inside-status"), error));
}

/** Look at a model from its first unit on: another model may have fewer layers and units. */
async function begin() {
  if (known) $("layer").value = $("unit").value = 0;
  if (untouched($("inside-text"))) put($("inside-text"), await written());
  offerMarks();
  await color();
}

const inTurn = (action) => (last = last.catch(() => {}).then(action));

/** Let only that be looked for which tells characters of the text apart. */
function offerMarks() {
  selected = selection($("inside-text"));
  for (const option of $("mark").options) {
    option.disabled = !tellsApart(option.value, text(), selected);
    option.text = option.disabled ? `${option.value} (not in this text)` : option.value;
  }
  const left = [...$("mark").options].find((one) => !one.disabled);
  if ($("mark").selectedOptions[0]?.disabled ?? true) $("mark").value = left?.value ?? "";
  $("find").disabled = !left;
}

async function act(action) {
  say($("inside-status"), "Reading …");
  try {
    await inTurn(action);
  } catch (error) {
    sayError($("inside-status"), error);
  }
}

const text = () => $("inside-text").value.normalize("NFC");

/** The text and the layer that the form names. */
const question = () => ({ text: text(), layer: Number($("layer").value), ...chosen() });

/** Show the map of all units, unless it is shown for what is asked; a map says what the layer has. */
async function know(asked) {
  if (known && JSON.stringify(known.asked) === JSON.stringify(asked)) return;
  const answer = await postJson("/inspect", { ...asked, units: [0], map: true });
  const [{ cell, hidden }] = answer.units;
  // Other cells than LSTMs have no cell state beside the hidden state.
  known = { asked, width: answer.width, gates: cell.some((state, n) => state !== hidden[n]) };
  layer.show(answer);
}

/** Ask for units, with the gates that they have. */
async function askFor(asked, units) {
  await know(asked);
  return postJson("/inspect", { ...asked, units, gates: known.gates });
}

function step(way) {
  const width = known?.width ?? 1;
  return pick((Number($("unit").value) + way + width) % width);
}

/** Look at a unit, beside its neighbours in the map of all units. */
function pick(unit) {
  $("unit").value = unit;
  return color();
}

/** Colour the text by the chosen unit, among its neighbours. */
async function color() {
  const [asked, wanted] = [question(), Number($("unit").value)];
  await know(asked);
  show(await askFor(asked, wanted < known.width ? layer.around(wanted, TOGETHER) : [wanted]));
  look(wanted);
}

function show(answer) {
  shown = answer;
  place = looking = null;
  if (!isRanked()) $("ranking").replaceChildren();
  $("inside-likeliest").hidden = true;
  $("lookback").hidden = true;
  $("layer").max = shown.layers - 1;
  $("unit").max = shown.width - 1;
}

/** Look at one of the units of the answer; `found` says what a ranking found the unit for. */
function look(wanted, found = "") {
  unit = shown.units.find((one) => one.unit === wanted);
  $("unit").value = wanted;
  const states = relative(unit.cell);
  $("cells").replaceChildren(...[...shown.text].map((character, n) => mark(character, n, states[n])));
  $("lowest").textContent = `blue: ${Math.min(...unit.cell).toFixed(2)}`;
  $("highest").textContent = `green: ${Math.max(...unit.cell).toFixed(2)}`;
  for (const part of document.querySelectorAll(".of-lstm")) part.hidden = !unit.gates;
  for (const part of document.querySelectorAll(".of-others")) part.hidden = Boolean(unit.gates);
  layer.choose(wanted);
  say($("inside-status"), `Unit ${wanted} of ${shown.width} in layer ${shown.layer}. ${isRanked() ? found : ""}`);
  if (place !== null) tell();
  draw();
}

function draw() {
  $("states").replaceChildren(curves(shown.text, unit, place));
  redrawMap();
}

function mark(character, n, state) {
  const made = element("span", { textContent: character });
  made.dataset.place = n;
  made.style.setProperty("--blue", `${Math.round(100 * Math.max(-state, 0))}%`);
  made.style.setProperty("--green", `${Math.round(100 * Math.max(state, 0))}%`);
  return made;
}

/** Whether the ranking is of the layer, the text and the model that are shown. */
const isRanked = () => ["model", "version", "layer", "text"].every((key) => shown[key] === ranked?.[key]);

/** Find the units for what is chosen, show them in the map, and look at the best of them. */
async function find() {
  const [asked, name] = [question(), $("mark").value];
  ranked = await postJson("/inspect", { ...asked, marked: marked(name, asked.text, selected) });
  const units = ranked.ranking.map((one) => one.unit);
  $("ranking").replaceChildren(...ranked.ranking.map((one) => choice(name, one)));
  show(await askFor(asked, units));
  look(units[0], effect(name, ranked.ranking[0]));
}

const effect = (name, { effect }) => `For ${name}: Cohen's d ${effect.toFixed(2)}.`;

function choice(name, one) {
  const label = `unit ${one.unit} (${one.effect > 0 ? "+" : ""}${one.effect.toFixed(1)})`;
  const button = element("button", { type: "button", textContent: label });
  button.addEventListener("click", () =>
    act(async () => {
      if (!shown.units.some(({ unit }) => unit === one.unit)) show(await askFor(question(), [one.unit]));
      look(one.unit, effect(name, one));
    }),
  );
  return element("li", {}, button);
}

/** Look at the unit of a row of the map. */
function choose({ target }) {
  const row = target.closest("[data-unit]");
  if (row) look(Number(row.dataset.unit));
}

function explain({ target }) {
  if (target.dataset.place === undefined) return;
  place = Number(target.dataset.place);
  tell();
  draw();
  const states = $("states");
  if (!states.contains(target)) states.scrollLeft = middle(place) - states.clientWidth / 2;
}

/** Say what the unit did at the character in the place, and what may come next. */
function tell() {
  $("inside-likeliest").hidden = false;
  $("inside-of").textContent = `At ${visible([...shown.text][place])}`;
  $("inside-states").replaceChildren(...did(unit, place).map((sentence) => element("p", { textContent: sentence })));
  $("inside-bars").replaceChildren(...bars(shown.next[place]));
}

/** Show which characters before one count for it, and how its probability grows with what was read. */
async function showLookBack({ target }) {
  if (target.dataset.place === undefined) return;
  const [asked, n] = [shown, Number(target.dataset.place)];
  const own = (looking = {});
  const traced = n > 0 && unit.gates;
  try {
    const [norms, shares] = await Promise.all([traced && gradientAt(asked, n), lookBack(asked, n)]);
    if (looking !== own) return;
    $("lookback").hidden = false;
    $("traced").hidden = !traced;
    if (traced) {
      $("traced-of").textContent = `Half of the sum of these norms comes from the last ${lastWith(0.5, norms)} characters, nine tenths from the last ${lastWith(0.9, norms)}.`;
      $("strip").replaceChildren(...strip(asked.text, n, norms));
    }
    $("lookback-of").textContent = `${visible([...asked.text][n])}: its probability, by how many characters before it were read`;
    $("lookback-curve").replaceChildren(lookBackCurve(shares, $("lookback-curve").clientWidth));
  } catch (error) {
    if (looking === own) sayError($("inside-status"), error);
  }
}
