// What people do with the page, in headless Chromium.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { startService, until } from "./server.js";
import { faultsOf, launch, openWindow, take } from "./window.js";

const PHONE = { width: 360, height: 740 };
// What each part is asked by, and what it says when it has answered.
const PARTS = {
  write: ["#generate", "Done"],
  temperatures: ["#step", "Drawn"],
  compare: ["#compare button.main", "Done"],
  surprise: ["#surprise button.main", "Done"],
  inside: ["#find", "Cohen's d"],
  learn: [null, "nats a character"],
  models: [null, "models."],
};

let browser, service, page, complaints;

before(async () => {
  service = await startService();
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

const open = (url, options) => openWindow(browser, url, options);

const said = (part, words) => page.locator(`#${part}-status`, { hasText: words }).waitFor();
const text = () => page.locator("#text").textContent();

async function generate(length) {
  await page.fill("#length", String(length));
  await page.click("#generate");
  await said("write", "Done");
}

async function submit(part, own = page) {
  const [button, answered] = PARTS[part];
  await own.click(`#tab-${part}`);
  if (button) await own.click(button);
  await own.locator(`#${part}-status`, { hasText: answered }).waitFor();
}

const shot = (name, of = page) => take(name, of);

test("a text is written, and continued at the cost of what is new", async () => {
  await generate(300);
  const first = await text();
  assert.equal(first.length, "ROMEO:".length + 300);
  await page.click("#continue");
  await page.locator("#cache", { hasText: "300 characters were remembered, 300 computed" }).waitFor();
  assert.ok((await text()).startsWith(first));
  await shot("write");
});

test("what is counted as computed does not depend on the text that was shown before", async () => {
  await page.fill("#seed", "MERCUTIO:");
  await generate(200);
  await generate(260);
  assert.match(await page.locator("#cache").textContent(), /200 characters were remembered, 60 computed/);
});

test("characters that the model does not know are refused, or left out where that is chosen", async () => {
  await page.fill("#seed", "ROMEO\u4e16:");
  await page.click("#generate");
  await said("write", "\u4e16");
  complaints.length = 0; // the browser's own line about the refusal
  await page.selectOption("#unknown", "drop");
  await generate(40);
});

test("stop ends a text half-way and frees its slot", async () => {
  await page.fill("#length", "10000");
  await page.click("#generate");
  await page.waitForFunction(() => document.getElementById("text").textContent.length > 50);
  await page.click("#stop");
  await said("write", "Stopped");
  assert.ok((await text()).length < 10_000);
  await until(async () => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    return /^charloom_running(\{[^}]*\})? 0(\.0)?$/m.test(metrics);
  });
});

test("text is there before all of it is", async () => {
  await page.fill("#length", "10000");
  await page.click("#generate");
  await page.waitForFunction(() => {
    const shown = document.getElementById("text").textContent.length;
    return shown > 10 && shown < 5000;
  });
  await page.click("#stop");
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
  await shot("pattern");
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
  await shot("compare");
});

test("pointing at a character shows the five likeliest, and so do the arrow keys", async () => {
  await page.fill("#length", "120");
  await submit("surprise");
  await page.locator("#surprise-text span").nth(9).hover();
  assert.equal(await page.locator("#bars li").count(), 5);
  await page.locator("#surprise-text span").nth(9).focus();
  const before = await page.locator("#likeliest").textContent();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await page.locator("#likeliest").textContent(), before);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.place), "11");
  await shot("surprise");
});

test("a text of one's own is shaded, with the five likeliest in the place of each character", async () => {
  await page.click("#tab-surprise");
  await page.fill("#given-text", "My xylophone");
  await page.click("#given button");
  await said("surprise", "Done");
  const shades = await page.$$eval("#surprise-text span", (marks) => marks.map((one) => parseInt(one.style.getPropertyValue("--shade"))));
  assert.equal(shades.length, "My xylophone".length);
  assert.ok(shades["My x".length - 1] > shades["My".length]); // an "x" surprises more than a space after "My"
  await page.locator("#surprise-text span").nth(3).hover();
  assert.equal(await page.locator("#bars li").count(), 5);
});

test("a text is coloured by the unit that best tells upper case from the rest", async () => {
  await submit("inside");
  assert.equal(await page.locator("#ranking button").count(), 10);
  const colors = await page.$$eval("#cells span", (marks) =>
    marks.map((mark) => getComputedStyle(mark).backgroundColor),
  );
  assert.ok(new Set(colors).size > 10);
  await shot("inside");
});

test("a character shows what the unit did there, and a row of the map another unit", async () => {
  await submit("inside");
  await page.locator("#cells span").nth(8).click();
  assert.match(await page.locator("#inside-states").innerText(), /The state went from -?\d+\.\d\d to -?\d+\.\d\d/);
  assert.equal(await page.locator("#states path.line").count(), 3);
  await page.locator("#lookback-curve path.line").waitFor();
  assert.match(await page.locator("#lookback-curve svg").getAttribute("aria-label"), /^Probability by characters read: (0\.\d\d, ){8}/);
  assert.equal(await page.locator("#map .row").count(), 10);
  const other = page.locator("#map .row").nth(4);
  const unit = await other.getAttribute("data-unit");
  await other.locator("rect").click();
  await said("inside", `Unit ${unit} of`);
  await page.click("#inside button.main");
  await page.waitForFunction(() => document.querySelectorAll("#map .row").length === 32);
});

test("only that can be looked for which the text has", async () => {
  await page.click("#tab-inside");
  await said("inside", "Unit 0 of");
  const quotes = page.locator("#mark option[value='inside quotes']");
  assert.ok(await quotes.evaluate((option) => option.disabled));
  await page.fill("#inside-text", 'Say "ay" now');
  assert.ok(!(await quotes.evaluate((option) => option.disabled)));
});

test("the bars of the next character follow the slider, and the drawn one is marked", async () => {
  const highest = () => page.$$eval("#chances rect", (bars) => Math.max(...bars.map((bar) => bar.getAttribute("height"))));
  await page.fill("#seed", "Wh");
  await submit("temperatures");
  assert.equal(await page.locator("#chances .drawn").count(), 1);
  const marked = await page.locator("#drawn mark").textContent();
  assert.equal(await page.locator("#drawn").textContent(), `Wh${marked}`);
  const heights = [];
  for (const temperature of ["2", "1", "0.5", "0"]) {
    await page.locator("#temperature").fill(temperature);
    heights.push(await highest());
  }
  assert.deepEqual(heights, heights.toSorted((a, b) => a - b));
  assert.ok(new Set(heights).size === 4);
  await page.click("#run");
  await page.waitForFunction(() => document.getElementById("drawn").textContent.length > 5);
  await page.click("#halt");
  await page.locator("#step:enabled").waitFor();
  assert.ok((await page.locator("#drawn").textContent()).startsWith(`Wh${marked}`));
  await shot("temperatures");
});

test("the slider over epochs shows samples and loss of each", async () => {
  await submit("learn");
  const [status, sample] = [page.locator("#learn-status"), page.locator("[id='sample-1.0']")];
  const first = await sample.textContent();
  assert.match(await status.textContent(), /After 1 of 28 epochs: 2.80 nats a character on unseen text, like guessing among 16/);
  await page.locator("#epoch").fill("23");
  assert.match(await status.textContent(), /After 24 of 28 epochs: 1.37 nats/);
  assert.notEqual(await sample.textContent(), first);
  assert.equal(await page.locator("#losses path.line").count(), 2);
  await page.selectOption("#model", "faust");
  await said("learn", "of 24 epochs");
  await shot("learn");
});

test("a model's card says in words what it can, with curves, baselines and versions side by side", async () => {
  await submit("models");
  const card = page.locator("#cards article", { hasText: "shakespeare@" });
  await card.locator("path.line.first").waitFor();
  assert.match(await card.innerText(), /On unseen text it needs 1\.37 nats a character: like guessing among 3\.9\./);
  const losses = await card.locator(".bars li").allInnerTexts();
  assert.equal(losses.length, 5);
  assert.match(losses[0], /this model/);
  for (const title of ["Card", "Versions"]) await card.locator("summary", { hasText: title }).click();
  assert.match(await card.locator("table", { hasText: "like guessing among" }).innerText(), /@5/);
  assert.equal(await card.locator("h3").first().innerText(), "shakespeare");
  assert.doesNotMatch(await card.innerText(), /\*\*|^\|/m);
  await shot("models");
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
      await shot(`phone-${colorScheme}-${part}`, own.page);
    }
    await own.page.context().close();
    assert.deepEqual(own.complaints, []);
  });
}

test("the page asks for a key where one is wanted, and says when the service is gone", async () => {
  const hash = createHash("sha256").update("a key").digest("hex");
  const guarded = await startService({ CHARLOOM_KEYS: `anna:${hash}` });
  try {
    // Its refusals are errors on the browser's console, as they should be: another window.
    const own = await browser.newPage();
    await own.goto(guarded.url);
    await own.click("#generate");
    await own.locator("#key-wanted").waitFor();
    await shot("key", own);
    await own.fill("#key", "a key");
    await own.click("#generate");
    await own.locator("#write-status", { hasText: "Done" }).waitFor();
    await guarded.stop();
    await own.click("#again");
    await own.locator("#write-status", { hasText: "cannot be reached" }).waitFor();
    await shot("gone", own);
    await own.close();
  } finally {
    await guarded.stop();
  }
});

test("over the limit, the page says when to come back", async () => {
  const limited = await startService({ CHARLOOM_CHARACTERS_PER_MINUTE: "500" });
  try {
    const own = await browser.newPage();
    await own.goto(limited.url);
    await own.click("#generate");
    await own.locator("#write-status", { hasText: "Done" }).waitFor();
    await own.click("#again");
    await own.locator("#write-status", { hasText: /\d+ s/ }).waitFor();
    await shot("limited", own);
    await own.close();
  } finally {
    await limited.stop();
  }
});

test("a text goes on by itself when its service is killed and another takes its place", async () => {
  const killed = await startService();
  // A lost connection is an error on the browser's console, as it should be: another window.
  const own = await browser.newPage();
  await own.goto(killed.url);
  await own.waitForFunction(() => document.getElementById("model").options.length > 1);
  await own.fill("#length", "10000");
  await own.click("#generate");
  await own.waitForFunction(() => document.getElementById("text").textContent.length > 500);
  await killed.kill();
  await own.locator("#write-status", { hasText: /lost after \d+ characters/ }).waitFor();
  await shot("lost", own);
  const other = await startService({}, killed.port);
  try {
    await own.locator("#write-status", { hasText: "Done: 10,000 characters" }).waitFor();
    const body = JSON.stringify({ seed: "ROMEO:", temperature: 0.5, length: 10_000 });
    const headers = { "Content-Type": "application/json" };
    const whole = await (await fetch(`${other.url}/generate`, { method: "POST", headers, body })).json();
    assert.equal(await own.locator("#text").textContent(), whole.seed + whole.text);
    await own.close();
  } finally {
    await other.stop();
  }
});
