// Short names for what every part of the page does with the document.

export const $ = (id) => document.getElementById(id);

/** A new element with properties and children. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Say a sentence in a status line, as an error or not. */
export function say(line, sentence, bad = false) {
  line.textContent = sentence;
  line.classList.toggle("problem", bad);
}

/** Say what went wrong in a status line; an abort is no error. */
export function sayError(line, error) {
  if (error.name === "AbortError") say(line, "Stopped.");
  else say(line, error.message, true);
}

/** Copy a text, and say so on the button for a moment. */
export async function copy(button, text) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser does not allow copying";
  }
  setTimeout(() => (button.textContent = label), 1500);
}

/** A whole number as people write it. */
export const grouped = (number) => Math.round(number).toLocaleString("en");

/** The number of characters of a text, as the service counts them. */
export const size = (text) => [...text].length;
