// The form that all parts share: what was typed, kept across reloads and read from a link.

import { $ } from "./dom.js";

const KEY = "charloom";
const FIELDS = ["seed", "model", "length", "temperature", "unknown", "pattern", "given-text", "inside-text"];
// Sent only where they are filled in.
const OPTIONAL = ["model", "unknown", "pattern"];

/** The request that the form describes; without a random seed. */
export function request() {
  const body = {
    seed: $("seed").value,
    temperature: Number($("temperature").value),
    length: Number($("length").value),
  };
  for (const name of OPTIONAL) if ($(name).value) body[name] = $(name).value;
  return body;
}

/** The model that the form names, as a request names it. */
export const chosen = () => ($("model").value ? { model: $("model").value } : {});

/** The fragment of an address that reproduces a text. */
export const fragment = (body) => `#${new URLSearchParams(body)}`;

/** The request in this address's fragment, or null. */
export function linked() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("seed")) return null;
  const body = { seed: given.get("seed"), temperature: 1, length: 400, random_seed: 0 };
  for (const name of ["temperature", "length", "random_seed"]) {
    if (given.has(name)) body[name] = Number(given.get(name));
  }
  for (const name of OPTIONAL) if (given.has(name)) body[name] = given.get(name);
  return body;
}

/** Show a request in the form. */
export function show(body) {
  for (const [name, value] of Object.entries(body)) {
    if (!FIELDS.includes(name)) continue;
    if (name === "model") offer(value);
    $(name).value = value;
  }
  $("degrees").value = $("temperature").value;
}

/** Whether a field shows what the page put into it, and nothing that somebody typed. */
export const untouched = (field) => field.value === field.defaultValue;

/** Put a text into a field in which nobody typed. */
export function put(field, text) {
  if (untouched(field)) field.value = text;
  field.defaultValue = text;
}

/** Show what was typed before, and keep what is typed from now on. */
export function keep() {
  show(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  document.addEventListener("input", () => {
    $("degrees").value = $("temperature").value;
    const typed = FIELDS.filter((name) => !untouched($(name))).map((name) => [name, $(name).value]);
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(typed)));
  });
}

/** Make a model one of those that can be chosen. */
export function offer(name) {
  const select = $("model");
  if (![...select.options].some((option) => option.value === name)) {
    select.append(new Option(name, name));
  }
}
