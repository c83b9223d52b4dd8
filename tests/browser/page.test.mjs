// The page in a real browser against a running service: `make browser-test`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { chromium } from "playwright-core";

import { start, until } from "./service.mjs";

const AXE = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const PARTS = ["write", "compare", "surprise", "inside", "models"];

let browser, service, page, noise;

before(async () => {
  service = await start();
  const args = ["--no-sandbox"];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

beforeEach(async () => {
  page = await browser.newPage();
  noise = [];
  page.on("pageerror", (error) => noise.push(error.message));
  page.on("console", (message) => message.type() === "error" && noise.push(message.text()));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== service.address) noise.push(request.url());
  });
  await visit();
});
// No error on the console, and no request to any other origin.
afterEach(async () => {
  await page.close();
  assert.deepEqual(noise, []);
});

const visit = (fragment = "") => page.goto(`${service.address}/${fragment}`, { waitUntil: "networkidle" });
const text = () => page.textContent("#text");
const status = (part, pattern) =>
  until(async () => pattern.test(await page.textContent(`#${part}-status`)));

async function generate(length = 100) {
  await page.fill("#length", String(length));
  await page.click("#generate");
  await status("write", /^Done/);
}

test("a text is generated, continued for the price of what is new, and drawn again", async () => {
  await generate(100);
  const first = await text();
  assert.equal(first.length, "ROMEO:".length + 100);
  await page.click("#continue");
  await status("write", /200 characters/);
  assert.ok((await text()).startsWith(first));
  assert.match(await page.textContent("#cache"), /partial: only 100 new/);
  await page.click("#again");
  await status("write", /100 characters/);
  assert.notEqual(await text(), first);
});

test("stopping frees the slot and keeps what has come", async () => {
  await page.fill("#seed", "KING");
  await page.fill("#length", "10000");
  await page.click("#generate");
  await until(async () => (await text()).length > 50);
  await page.click("#stop");
  await status("write", /^Stopped/);
  await until(async () => (await service.running()) === 0);
  assert.ok((await text()).length < 10_000);
});

test("a link reproduces the very same text", async () => {
  await generate(80);
  const expected = await text();
  await visit("#seed=ROMEO%3A&temperature=0.5&length=80&random_seed=0&model=shakespeare%401");
  await page.reload();
  await status("write", /^Done/);
  assert.equal(await text(), expected);
});

test("what was typed is there after a reload", async () => {
  await page.fill("#seed", "JULIET:");
  await page.reload({ waitUntil: "networkidle" });
  assert.equal(await page.inputValue("#seed"), "JULIET:");
});

test("four temperatures stand side by side", async () => {
  await page.click("#tab-compare");
  await page.click("#compare .main");
  await status("compare", /^Done/);
  const texts = await page.locator("#columns pre").allTextContents();
  assert.equal(new Set(texts).size, 4);
});

test("a character's five likeliest are shown on hover and by the arrow keys", async () => {
  await page.click("#tab-surprise");
  await page.click("#surprise .main");
  await status("surprise", /bits of surprise/);
  await page.hover("#surprise-text span:nth-child(10)");
  assert.equal(await page.locator("#bars li").count(), 5);
  const before = await page.textContent("#likeliest");
  await page.focus("#surprise-text span:nth-child(10)");
  for (const _ of [1, 2, 3]) await page.keyboard.press("ArrowRight");
  assert.notEqual(await page.textContent("#likeliest"), before);
});

test("a text is coloured by a unit found for upper case", async () => {
  await page.click("#tab-inside");
  await page.click("#find");
  await status("inside", /Cohen's d/);
  const colors = await page.$$eval("#cells span", (marks) =>
    marks.map((mark) => getComputedStyle(mark).backgroundColor),
  );
  assert.ok(new Set(colors).size > 10);
});

test("models have cards with their curves", async () => {
  await page.click("#tab-models");
  await status("models", /models\.$/);
  await until(() => page.$eval("#cards img", (image) => image.naturalWidth > 0));
});

test("a text is generated with the keyboard alone", async () => {
  await page.focus("#seed");
  await page.keyboard.type(" hark");
  await page.keyboard.press("Control+Enter");
  await status("write", /^Done/);
});

test("an unknown character is named", async () => {
  await page.fill("#seed", "日");
  await page.click("#generate");
  await status("write", /日/);
  noise = noise.filter((line) => !line.includes("422")); // Chromium itself logs refusals
});

test("a service that is gone and one that is busy are said in words", async () => {
  await page.route("**/generate", (route) => route.abort());
  await page.click("#generate");
  await status("write", /cannot be reached/);
  await page.unroute("**/generate");
  const headers = { "Retry-After": "3", "Content-Type": "application/problem+json" };
  const body = JSON.stringify({ status: 429, detail: "too many" });
  await page.route("**/generate", (route) => route.fulfill({ status: 429, headers, body }));
  await page.click("#generate");
  await status("write", /try again in 3 s/);
  noise = noise.filter((line) => !/429|ERR_FAILED/.test(line));
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing serious in ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(AXE);
    await generate(20);
    for (const part of PARTS) {
      await page.click(`#tab-${part}`);
      if (part === "surprise") await page.click("#surprise .main");
      await page.waitForLoadState("networkidle");
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      assert.deepEqual(serious.map(({ id, nodes }) => `${part}: ${id} ${nodes[0].html}`), []);
    }
  });
}
