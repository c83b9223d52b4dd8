// Puts the parts together: tabs, the shared form, the models to choose from.

import { getJson } from "./api.js";
import * as compare from "./compare.js";
import { $, sayError } from "./dom.js";
import * as inside from "./inside.js";
import * as learn from "./learn.js";
import * as models from "./models.js";
import { keep, linked, offer, show } from "./prompt.js";
import * as seeds from "./seeds.js";
import * as surprise from "./surprise.js";
import * as temperatures from "./temperatures.js";
import * as write from "./write.js";

const PARTS = { write, temperatures, compare, surprise, inside, learn, models };

const tabs = [...document.querySelectorAll("[role=tab]")];
const current = () => tabs.find((tab) => tab.ariaSelected === "true");

function choose(tab) {
  for (const each of tabs) {
    const chosen = each === tab;
    each.ariaSelected = chosen;
    each.tabIndex = chosen ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = !chosen;
  }
  document.body.dataset.part = tab.getAttribute("aria-controls");
  PARTS[document.body.dataset.part].open?.();
}

function setUpTabs() {
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    const next = tabs.at((tabs.indexOf(current()) + way) % tabs.length);
    choose(next);
    next.focus();
  });
}

function setUpForm() {
  $("prompt").addEventListener("submit", (event) => {
    event.preventDefault();
    PARTS[document.body.dataset.part].submit?.();
  });
  $("model").addEventListener("change", () => {
    seeds.suggest();
    PARTS[document.body.dataset.part].open?.();
  });
  $("seed").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("prompt").requestSubmit();
  });
}

function setUpKey() {
  $("key-wanted").addEventListener("submit", (event) => {
    event.preventDefault();
    offerModels();
  });
}

function watchConnection() {
  const tell = () => ($("offline").hidden = navigator.onLine);
  addEventListener("online", tell);
  addEventListener("offline", tell);
  tell();
}

async function offerModels() {
  try {
    const known = await getJson("/models");
    for (const { name } of known.models) offer(name);
    seeds.learn(known);
  } catch (error) {
    sayError($("write-status"), error);
  }
}

function follow() {
  const body = linked();
  if (!body) return;
  show({ unknown: "", pattern: "", ...body });
  choose(tabs[0]);
  write.write(body);
}

for (const part of Object.values(PARTS)) part.setUp?.();
setUpTabs();
setUpForm();
setUpKey();
watchConnection();
choose(tabs[0]);
await offerModels();
keep();
seeds.suggest();
follow();
addEventListener("hashchange", follow);
