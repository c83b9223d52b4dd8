// The page behind a balancer with several services and one Redis, in headless Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startBalancer, startRedis } from "./balancer.js";
import { metricOf, startService, writeWhole } from "./server.js";
import { launch, PATIENCE, take } from "./window.js";

const LENGTH = 20_000; // long enough to be met unfinished on a slow machine
const REQUEST = { seed: "ROMEO:", temperature: 0.5, length: LENGTH };
const KEPT_EVERY = 1_024; // characters, after which a service puts the state of a text into Redis

let browser, redis;

before(async () => {
  browser = await launch();
  redis = await startRedis();
});
after(async () => {
  await browser?.close();
  await redis?.stop();
});

test("a text goes on by itself at another service, from what Redis has, when its service is killed", async () => {
  const settings = { CHARLOOM_MAX_LENGTH: LENGTH, CHARLOOM_REDIS_URL: redis.url, CHARLOOM_REDIS_TIMEOUT: 10 };
  const killed = await startService(settings);
  const other = await startService(settings);
  const balancer = await startBalancer(killed.port);
  try {
    const own = await browser.newPage();
    own.setDefaultTimeout(PATIENCE);
    await own.goto(`${balancer.url}/#${new URLSearchParams(REQUEST)}`);
    const come = (least) => own.waitForFunction((n) => document.getElementById("text").textContent.length > n, least);
    await come(3 * KEPT_EVERY);
    await killed.kill();
    await own.locator("#write-status", { hasText: /lost after \d+ characters/ }).waitFor();
    balancer.lead(other.port);
    await own.locator("#write-status", { hasText: "Done: 20,000 characters" }).waitFor({ timeout: 5 * PATIENCE });
    const drawn = await metricOf(other, "charloom_generated_characters_total");
    assert.ok(drawn < LENGTH - KEPT_EVERY, `${drawn} characters were drawn by the other service`);
    assert.equal(await own.locator("#text").textContent(), await writeWhole(other, REQUEST));
    await own.close();
  } finally {
    await balancer.stop();
    await killed.stop();
    await other.stop();
  }
});

test("a balancer that names a long time to wait is not asked again, and the page says when to come back", async () => {
  const service = await startService();
  const balancer = await startBalancer(service.port);
  try {
    const own = await browser.newPage();
    await own.goto(balancer.url);
    await own.waitForFunction(() => document.getElementById("model").options.length > 1);
    balancer.cut();
    balancer.answer("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    await own.click("#generate");
    await own.locator("#write-status.problem", { hasText: "503; try again in 120 s" }).waitFor();
    await take("long-wait", own);
    await own.close();
  } finally {
    await balancer.stop();
    await service.stop();
  }
});
