// People write with the page, in headless Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";

import { complaints, inWindows, open, page, PARTS, said, service, submit } from "./page.js";
import { until } from "./server.js";
import { faultsOf, take } from "./window.js";

const PHONE = { width: 360, height: 740 };

// Minutes of writing, so that a test meets the text unfinished on however slow a machine.
const LONG = 500_000;

inWindows({ CHARLOOM_MAX_LENGTH: LONG, CHARLOOM_DEADLINE: 600 });

const text = () => page.locator("#text").textContent();

async function generate(length) {
  await page.fill("#length", String(length));
  await page.click("#generate");
  await said("write", "Done");
}

/** Open the link of a long text, and wait until some of the text is there. */
async function begin() {
  await page.goto(`${service.url}/#${new URLSearchParams({ seed: "ROMEO:", length: LONG, temperature: 0.5, random_seed: 1 })}`);
  await page.waitForFunction(() => document.getElementById("text").textContent.length > 50);
}

test("a text is written, and continued at the cost of what is new", async () => {
  await generate(300);
  const first = await text();
  assert.equal(first.length, "ROMEO:".length + 300);
  await page.click("#continue");
  await page.locator("#cache", { hasText: "300 characters were remembered, 300 computed" }).waitFor();
  assert.ok(await page.locator("#speed").isVisible());
  assert.ok((await text()).startsWith(first));
  await take("write", page);
});

test("what is counted as computed does not depend on the text that was shown before", async () => {
  await page.fill("#seed", "MERCUTIO:");
  await generate(200);
  await generate(260);
  assert.match(await page.locator("#cache").textContent(), /200 characters were remembered, 60 computed/);
  await generate(100);
  assert.ok(await page.locator("#speed").isHidden()); // nothing was computed
});

test("characters that the model does not know are refused, or left out where that is chosen", async () => {
  await page.fill("#seed", "ROMEO\u4e16:");
  await page.click("#generate");
  await said("write", "\u4e16");
  complaints.length = 0; // the browser's own line about the refusal
  await page.selectOption("#unknown", "drop");
  await generate(40);
});

test("a text is there before all of it is, and stop ends it there and frees its slot", async () => {
  await begin();
  await page.click("#stop");
  await said("write", "Stopped");
  assert.ok((await text()).length < LONG);
  await until(async () => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    return /^charloom_running(\{[^}]*\})? 0(\.0)?$/m.test(metrics);
  });
});

test("a link reproduces the very same text", async () => {
  await generate(400);
  await page.click("#again");
  await said("write", "Done");
  const drawn = await page.locator("#random-seed").textContent();
  const wanted = new URLSearchParams({ seed: "ROMEO:", length: 400, temperature: 0.5, random_seed: drawn });
  const other = await open(`${service.url}/#${wanted}`);
  await other.page.locator("#write-status", { hasText: "Done" }).waitFor();
  assert.equal(await other.page.locator("#text").textContent(), await text());
  await other.page.context().close();
  assert.deepEqual(other.complaints, []);
});

test("a text matches its pattern, and its link reproduces the text", async () => {
  await page.fill("#pattern", "\\n[A-Z][a-z]{3,9}(?: [a-z]+){2}[.!]");
  await generate(60);
  const written = await text();
  assert.match(written, /^ROMEO:\n[A-Z][a-z]{3,9}(?: [a-z]+){2}[.!]$/);
  assert.ok(await page.locator("#continue").isDisabled());
  await take("pattern", page);
  const wanted = new URLSearchParams({
    ...{ seed: "ROMEO:", length: 60, temperature: 0.5, random_seed: 0 },
    pattern: await page.inputValue("#pattern"),
  });
  const other = await open(`${service.url}/#${wanted}`);
  await other.page.locator("#write-status", { hasText: "Done" }).waitFor();
  assert.equal(await other.page.locator("#text").textContent(), written);
  await other.page.context().close();
  await page.fill("#pattern", "a(?=b)");
  await page.click("#generate");
  await said("write", "look-ahead");
  complaints.length = 0; // the browser's own line about the refusal
});

test("what was typed is there after a reload", async () => {
  await page.fill("#seed", "JULIET:");
  await page.reload();
  await page.waitForFunction(() => document.getElementById("seed").value === "JULIET:");
});

test("the seed text is the chosen model's until another is typed", async () => {
  const shown = (seed) => page.waitForFunction((wanted) => document.getElementById("seed").value === wanted, seed);
  await page.selectOption("#model", "faust");
  await shown("FAUST:");
  await page.selectOption("#model", "");
  await shown("ROMEO:");
  await page.fill("#seed", "GRETCHEN:");
  await page.selectOption("#model", "faust");
  await shown("GRETCHEN:");
});

test("four temperatures stand side by side", async () => {
  await page.fill("#length", "200");
  await submit("compare");
  const texts = await page.locator("#columns pre").allTextContents();
  assert.deepEqual(texts.map((each) => each.length), Array(4).fill("ROMEO:".length + 200));
  assert.equal(new Set(texts).size, 4);
  await take("compare", page);
});

test("the keyboard alone is enough", async () => {
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.id), "tab-temperatures");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "seed");
  await page.keyboard.press("Control+Enter");
  await said("write", "Done");
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing serious, ${colorScheme}, and nothing is wider than a phone`, async () => {
    const own = await open(service.url, { colorScheme, viewport: PHONE });
    await own.page.fill("#length", "80");
    for (const part of Object.keys(PARTS)) {
      await submit(part, own.page);
      assert.deepEqual(await faultsOf(own.page), [], part);
      const width = await own.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= PHONE.width, `${part} is ${width} wide`);
      await take(`phone-${colorScheme}-${part}`, own.page);
    }
    await own.page.context().close();
    assert.deepEqual(own.complaints, []);
  });
}

test("a line that is written from right to left begins at the right, and the next one at the left", async () => {
  const [hebrew, english] = await page.locator("#text").evaluate((box) => {
    box.textContent = "\u05e9\u05dc\u05d5\u05dd.\nPeace.";
    const { left, right } = box.getBoundingClientRect();
    const range = document.createRange();
    const gaps = (first, last) => {
      range.setStart(box.firstChild, first);
      range.setEnd(box.firstChild, last);
      const line = range.getBoundingClientRect();
      return { left: line.left - left, right: right - line.right };
    };
    return [gaps(0, 5), gaps(6, 12)];
  });
  assert.ok(hebrew.right < 30 && hebrew.left > 300, JSON.stringify(hebrew));
  assert.ok(english.left < 30 && english.right > 300, JSON.stringify(english));
});
