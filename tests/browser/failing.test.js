// The page says what is wrong when its service refuses or dies, in headless Chromium.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";

import { startService, writeWhole } from "./server.js";
import { launch, PATIENCE, take } from "./window.js";

let browser;

before(async () => (browser = await launch()));
after(() => browser?.close());

/** Ask a service for a text as it is made, and wait for the beginning: an AbortController of the rest. */
async function postStream(service, request) {
  const own = new AbortController();
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ ...request, stream: true });
  const answer = await fetch(`${service.url}/generate`, { method: "POST", headers, body, signal: own.signal });
  assert.ok(answer.ok);
  answer.text().catch(() => {}); // a service ends a stream that nobody reads
  return own;
}

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

test("over the limit, the page says when it tries again, and that it does not where no wait is enough", async () => {
  const limited = await startService({ CHARLOOM_CHARACTERS_PER_MINUTE: "500" });
  try {
    const own = await open(limited.url);
    await own.click("#generate");
    await own.locator("#write-status", { hasText: "Done" }).waitFor();
    await own.click("#again");
    await own.locator("#write-status", { hasText: /in a minute; the page tries again in \d+ s …$/ }).waitFor();
    await take("limited", own);
    await own.click("#stop");
    await own.locator("#write-status", { hasText: "Stopped" }).waitFor();
    await own.fill("#length", "900");
    await own.click("#generate");
    await own.locator("#write-status.problem", { hasText: / are over the limit of 500 in a minute: ask for less$/ }).waitFor();
    await own.close();
  } finally {
    await limited.stop();
  }
});

test("the page waits for a full service by itself, as long as the service says", async () => {
  const length = 1_000_000;
  const room = { CHARLOOM_SLOTS: 1, CHARLOOM_QUEUE: 0 };
  const full = await startService({ ...room, CHARLOOM_MAX_LENGTH: length, CHARLOOM_DEADLINE: 600 });
  try {
    const busy = await postStream(full, { seed: "busy", length });
    const own = await open(full.url);
    await own.click("#generate");
    await own.locator("#write-status", { hasText: "waiting; the page tries again in 1 s …" }).waitFor();
    await take("full", own);
    busy.abort();
    await own.locator("#write-status", { hasText: "Done: 400 characters" }).waitFor();
    assert.ok(await own.locator("#speed").isHidden());
    await own.close();
  } finally {
    await full.stop();
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
    await own.locator("#write-status", { hasText: "Done: 20,000 characters" }).waitFor({ timeout: 5 * PATIENCE });
    assert.equal(await own.locator("#text").textContent(), await writeWhole(other, request));
    await own.close();
  } finally {
    await other.stop();
  }
});
