// The page says what is wrong when its service refuses or dies, in headless Chromium.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";

import { startService } from "./server.js";
import { launch, PATIENCE, take } from "./window.js";

let browser;

before(async () => (browser = await launch()));
after(() => browser?.close());

/** A window whose console may have errors, as the browser writes one for each refusal and lost connection. */
async function open(url) {
  const own = await browser.newPage();
  own.setDefaultTimeout(PATIENCE);
  await own.goto(url);
  return own;
}

test("the page asks for a key where one is wanted, and says when the service is gone", async () => {
  const hash = createHash("sha256").update("a key").digest("hex");
  const guarded = await startService({ CHARLOOM_KEYS: `anna:${hash}` });
  try {
    const own = await open(guarded.url);
    await own.click("#generate");
    await own.locator("#key-wanted").waitFor();
    await take("key", own);
    await own.fill("#key", "a key");
    await own.click("#generate");
    await own.locator("#write-status", { hasText: "Done" }).waitFor();
    await guarded.stop();
    await own.click("#again");
    await own.locator("#write-status", { hasText: "cannot be reached" }).waitFor();
    await take("gone", own);
    await own.close();
  } finally {
    await guarded.stop();
  }
});

test("over the limit, the page says when to come back", async () => {
  const limited = await startService({ CHARLOOM_CHARACTERS_PER_MINUTE: "500" });
  try {
    const own = await open(limited.url);
    await own.click("#generate");
    await own.locator("#write-status", { hasText: "Done" }).waitFor();
    await own.click("#again");
    await own.locator("#write-status", { hasText: /\d+ s/ }).waitFor();
    await take("limited", own);
    await own.close();
  } finally {
    await limited.stop();
  }
});

test("a text goes on by itself when its service is killed and another takes its place", async () => {
  const length = 20_000; // long enough to be met unfinished on a slow machine
  const settings = { CHARLOOM_MAX_LENGTH: length };
  const request = { seed: "ROMEO:", temperature: 0.5, length };
  const killed = await startService(settings);
  const own = await open(`${killed.url}/#${new URLSearchParams(request)}`);
  await own.waitForFunction(() => document.getElementById("text").textContent.length > 500);
  await killed.kill();
  await own.locator("#write-status", { hasText: /lost after \d+ characters/ }).waitFor();
  await take("lost", own);
  const other = await startService(settings, killed.port);
  try {
    await own.locator("#write-status", { hasText: "Done: 20,000 characters" }).waitFor();
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify(request);
    const whole = await (await fetch(`${other.url}/generate`, { method: "POST", headers, body })).json();
    assert.equal(await own.locator("#text").textContent(), whole.seed + whole.text);
    await own.close();
  } finally {
    await other.stop();
  }
});
