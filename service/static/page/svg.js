// Pictures as SVG, in the page's colours: curves over an axis, with a mark at a place.

const SPACE = "http://www.w3.org/2000/svg";

/** A new SVG element with attributes and children. */
export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An empty picture with a name for those who do not see it. */
export const picture = (width, height, label, ...children) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...children);

/** Draw into a box as wide as it is, whenever its width changes; returns a function that draws anew. */
export function fitted(box, draw) {
  const again = () => box.clientWidth && box.replaceChildren(draw(box.clientWidth));
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    again();
  }).observe(box);
  return again;
}

/** A function from numbers between `from` and `to` to places between `first` and `last`. */
export const scale = (from, to, first, last) => (value) => first + ((value - from) / (to - from || 1)) * (last - first);

/** About `count` round numbers between two numbers. */
export function ticks(from, to, count) {
  const rough = (to - from) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}

/** A line through points [x, y]. */
export const line = (points, kind) =>
  svg("path", { class: `line ${kind}`, d: `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}` });

/** Grid lines and numbers of a vertical axis; `name` writes a number. */
export const rows = (values, y, left, right, name = String) =>
  values.map((value) =>
    svg(
      "g",
      { class: "grid" },
      svg("path", { d: `M${left} ${y(value)}H${right}` }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, name(value)),
    ),
  );
