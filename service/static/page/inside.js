// Inside: a text coloured by one unit's cell state, and units that tell marked characters apart.

import { postJson } from "./api.js";
import { $, element, say, sayError } from "./dom.js";
import { chosen } from "./prompt.js";
import { bars } from "./surprise.js";

// What can be looked for: from characters to the places that are marked.
const MARKS = {
  "upper case": (characters) => places(characters, (one) => /\p{Lu}/u.test(one)),
  "inside quotes": quoted,
  "start of a line": (characters) => near(characters, (column) => column < 5),
  "end of a line": (characters) => near(characters, (column) => column > 35),
  "what I selected": () => selected,
};

let shown = null; // the answer whose text is coloured
let selected = [];

export function setUp() {
  $("mark").append(...Object.keys(MARKS).map((name) => new Option(name, name)));
  $("look").addEventListener("submit", (event) => act(event, () => color()));
  $("previous").addEventListener("click", (event) => act(event, () => step(-1)));
  $("next").addEventListener("click", (event) => act(event, () => step(1)));
  $("find").addEventListener("click", (event) => act(event, find));
  $("inside-text").addEventListener("select", keepSelection);
  for (const kind of ["input", "select"]) $("inside-text").addEventListener(kind, offerMarks);
  for (const kind of ["pointerover", "click"]) $("cells").addEventListener(kind, explain);
}

/** Look at once when the part is opened for the first time. */
export function open() {
  offerMarks();
  return shown ?? color().catch((error) => sayError($("inside-status"), error));
}

/** Let only that be looked for which the text has, and not everywhere. */
function offerMarks() {
  const characters = [...text()];
  for (const option of $("mark").options) {
    const marked = MARKS[option.value](characters).length;
    option.disabled = marked === 0 || marked === characters.length;
    option.text = option.disabled ? `${option.value} (not in this text)` : option.value;
  }
  if ($("mark").selectedOptions[0]?.disabled) $("mark").value = [...$("mark").options].find((one) => !one.disabled)?.value ?? "";
}

async function act(event, action) {
  event.preventDefault();
  say($("inside-status"), "Reading …");
  try {
    await action();
  } catch (error) {
    sayError($("inside-status"), error);
  }
}

const text = () => $("inside-text").value.normalize("NFC");

function ask(fields) {
  return postJson("/inspect", { text: text(), layer: Number($("layer").value), ...chosen(), ...fields });
}

function step(way) {
  const width = shown?.width ?? 1;
  $("unit").value = (Number($("unit").value) + way + width) % width;
  return color();
}

/** Colour the text by the chosen unit; `found` says what it was found for. */
async function color(found = "") {
  const unit = Number($("unit").value);
  shown = await ask({ units: [unit] });
  const { cell } = shown.units[0];
  const [lowest, highest] = [Math.min(...cell), Math.max(...cell)];
  const marks = [...shown.text].map((character, place) => {
    const mark = element("span", { textContent: character });
    mark.dataset.place = place;
    // -1 at the lowest state of the text, 1 at the highest: a cell may count far beyond 1.
    const state = lowest === highest ? 0 : (2 * (cell[place] - lowest)) / (highest - lowest) - 1;
    mark.style.setProperty("--blue", `${Math.round(100 * Math.max(-state, 0))}%`);
    mark.style.setProperty("--green", `${Math.round(100 * Math.max(state, 0))}%`);
    return mark;
  });
  $("cells").replaceChildren(...marks);
  $("layer").max = shown.layers - 1;
  $("unit").max = shown.width - 1;
  $("lowest").textContent = `blue: ${lowest.toFixed(2)}`;
  $("highest").textContent = `green: ${highest.toFixed(2)}`;
  say($("inside-status"), `Unit ${unit} of ${shown.width} in layer ${shown.layer}. ${found}`);
}

/** Find the units for what is chosen, and show the best of them. */
async function find() {
  const characters = [...text()];
  const marked = MARKS[$("mark").value](characters);
  const { ranking } = await ask({ marked });
  $("ranking").replaceChildren(...ranking.map((one) => choice(one)));
  $("ranking").firstChild.firstChild.click();
}

function choice({ unit, effect }) {
  const name = $("mark").value;
  const button = element("button", { type: "button", textContent: `unit ${unit} (${effect > 0 ? "+" : ""}${effect.toFixed(1)})` });
  button.addEventListener("click", (event) => {
    $("unit").value = unit;
    act(event, () => color(`For ${name}: Cohen's d ${effect.toFixed(2)}.`));
  });
  return element("li", {}, button);
}

function explain({ target }) {
  const place = target.dataset.place;
  if (place === undefined) return;
  $("inside-likeliest").hidden = false;
  const state = shown.units[0].cell[place].toFixed(3);
  $("inside-of").textContent = `Cell state ${state}; what may come next:`;
  $("inside-bars").replaceChildren(...bars(shown.next[place]));
}

const places = (characters, test) => characters.flatMap((one, place) => (test(one) ? [place] : []));

function quoted(characters) {
  let inside = false;
  return places(characters, (one) => {
    if (/["“”„»«]/.test(one)) inside = !inside;
    return inside;
  });
}

function near(characters, test) {
  let column = -1;
  return places(characters, (one) => {
    const here = test(++column);
    if (one === "\n") column = -1;
    return here;
  });
}

/** Remember which characters are selected, as places of code points. */
function keepSelection() {
  const { value, selectionStart, selectionEnd } = $("inside-text");
  const first = [...value.slice(0, selectionStart)].length;
  const count = [...value.slice(selectionStart, selectionEnd)].length;
  selected = Array.from({ length: count }, (_, n) => first + n);
}
