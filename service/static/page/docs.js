// The API reference: a form below each route, which sends a request from the page and shows the answer.

import { element } from "./dom.js";

const LONGEST = 20_000; // characters of an answer that are shown

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form).catch((error) => show(form, String(error.message)));
  });
}

async function send(form) {
  show(form, "Sending …");
  const response = await fetch(addressOf(form), optionsOf(form));
  show(form, `${response.status} ${response.statusText}\n\n${await bodyOf(response)}`);
}

/** The route beside this page, with the fields of the form in the place of the path's parameters. */
const addressOf = (form) =>
  `.${form.dataset.path}`.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value));

function optionsOf({ dataset, elements }) {
  const headers = elements.key.value ? { Authorization: `Bearer ${elements.key.value}` } : {};
  if (!elements.body) return { method: dataset.method, headers };
  return { method: dataset.method, headers: { ...headers, "Content-Type": dataset.kind }, body: elements.body.value };
}

function show(form, text) {
  form.querySelector("output").replaceChildren(element("pre", { textContent: text.slice(0, LONGEST), tabIndex: 0 }));
}

async function bodyOf(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.startsWith("image/")) return `${kind}: ${(await response.blob()).size} bytes`;
  return tidy(await response.text());
}

function tidy(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
