// The Markdown of model cards as elements: headings, paragraphs, tables, code, bold and slanted words.

import { element } from "./dom.js";

const HIGHEST = 2; // the headings of a card stand below the page's second level

/** The elements of a card. Other Markdown, and HTML, stay as they are written. */
export function markdown(text) {
  // Every second part is the inside of a fence.
  const parts = text.split(/^```\w*\n([^]*?)^```$/m);
  return parts.flatMap((part, n) => (n % 2 ? [element("pre", { textContent: part, tabIndex: 0 })] : blocks(part)));
}

const blocks = (text) =>
  text
    .split(/\n{2,}/)
    .map((block) => block.trim())
    .filter(Boolean)
    .map(blockOf);

function blockOf(block) {
  const heading = block.match(/^(#{1,4}) (.*)$/);
  if (heading) return element(`h${HIGHEST + heading[1].length}`, {}, ...inline(heading[2]));
  if (block.startsWith("|")) return table(block.split("\n"));
  return element("p", {}, ...inline(block));
}

function table([head, , ...body]) {
  const row = (line, kind) => element("tr", {}, ...cells(line).map((cell) => element(kind, {}, ...inline(cell))));
  const named = cells(head).some(Boolean) ? [element("thead", {}, row(head, "th"))] : [];
  const made = element("table", {}, ...named, element("tbody", {}, ...body.map((line) => row(line, "td"))));
  return element("div", { className: "scrolled", tabIndex: 0, role: "region", ariaLabel: "Table" }, made);
}

const cells = (line) => line.split("|").slice(1, -1).map((cell) => cell.trim());

const KINDS = { "**": "b", "*": "em", "`": "code" };

const inline = (text) =>
  text.split(/(\*\*.+?\*\*|\*.+?\*|`.+?`)/s).map((part, n) => {
    if (n % 2 === 0) return part;
    const sign = part.match(/^(\*\*|\*|`)/)[0];
    return element(KINDS[sign], { textContent: part.slice(sign.length, -sign.length) });
  });
