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
  const done = await copied(text).catch(() => false);
  button.textContent = done ? "Copied" : "The browser does not allow copying";
  button.focus();
  setTimeout(() => (button.textContent = label), 1500);
}

/** Copy a text, and return whether the browser has done so. */
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true);
  // Browsers have that clipboard with TLS or on the machine itself alone, and a service often has neither.
  const field = document.body.appendChild(element("textarea", { value: text }));
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

/** A whole number as people write it. */
export const grouped = (number) => Math.round(number).toLocaleString("en");

/** The number of characters of a text, as the service counts them. */
export const size = (text) => [...text].length;
