// What units can be looked for: the places of a text's characters that are marked.

const MARKS = {
  "upper case": (characters) => places(characters, (one) => /\p{Lu}/u.test(one)),
  "inside quotes": quoted,
  "start of a line": (characters) => near(characters, (column) => column < 5),
  "end of a line": (characters) => near(characters, (column) => column > 35),
  "what I selected": (_, selected) => selected,
};

export const NAMES = Object.keys(MARKS);

/** The marked places of a text, as code points; `selected` are those that the reader chose. */
export const marked = (name, text, selected) => MARKS[name]([...text], selected);

/** Whether units can be found for a mark: some characters of the text have it, and some have not. */
export function tellsApart(name, text, selected) {
  const count = marked(name, text, selected).length;
  return count > 0 && count < [...text].length;
}

/** The selected places of a text field, as code points. */
export function selection({ value, selectionStart, selectionEnd }) {
  const first = [...value.slice(0, selectionStart)].length;
  const count = [...value.slice(selectionStart, selectionEnd)].length;
  return Array.from({ length: count }, (_, n) => first + n);
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
