// What the tests of the page share: a service, a browser, and a fresh window on the page for each test.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";

import { startService } from "./server.js";
import { launch, openWindow } from "./window.js";

// What each part is asked by, and what it says when it has answered.
export const PARTS = {
  write: ["#generate", "Done"],
  temperatures: ["#step", "Drawn"],
  compare: ["#compare button.main", "Done"],
  surprise: ["#surprise button.main", "Done"],
  inside: ["#find", "Cohen's d"],
  learn: [null, "nats a character"],
  models: [null, "models."],
};

export let service, page, complaints;
let browser;

/** Give every test of a file its own window, in which nothing may go wrong, on a service with some settings. */
export function inWindows(settings = {}) {
  before(async () => {
    service = await startService(settings);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });
  beforeEach(async () => {
    ({ page, complaints } = await open(service.url));
  });
  afterEach(async () => {
    await page.context().close();
    assert.deepEqual(complaints, []);
  });
}

/** A further window. */
export const open = (url, options) => openWindow(browser, url, options);

/** Wait until the status line of a part has some words. */
export const said = (part, words, own = page) => own.locator(`#${part}-status`, { hasText: words }).waitFor();

/** Open a part, ask it, and wait for its answer. */
export async function submit(part, own = page) {
  const [button, answered] = PARTS[part];
  await own.click(`#tab-${part}`);
  if (button) await own.click(button);
  await said(part, answered, own);
}
