// The page shows how a model works, in headless Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";

import { complaints, inWindows, page, said, submit } from "./page.js";
import { take } from "./window.js";

inWindows();

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
  await take("surprise", page);
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

test("a text of one's own is explained without the characters that the model does not know, where that is chosen", async () => {
  await page.click("#tab-surprise");
  await page.selectOption("#unknown", "drop");
  await page.fill("#given-text", "My \u4e16xylophone");
  await page.click("#given button");
  await said("surprise", "Done");
  assert.equal(await page.locator("#surprise-text").textContent(), "My xylophone");
  await page.locator("#surprise-text span").nth(3).hover();
  assert.match(await page.locator("#likeliest-of").textContent(), /^x had/);
  assert.equal(await page.locator("#bars li").count(), 5);
});

test("a text is coloured by the unit that best tells upper case from the rest", async () => {
  await submit("inside");
  assert.equal(await page.locator("#ranking button").count(), 10);
  const colors = await page.$$eval("#cells span", (marks) =>
    marks.map((mark) => getComputedStyle(mark).backgroundColor),
  );
  assert.ok(new Set(colors).size > 10);
  await take("inside", page);
});

test("a character shows what the unit did there, and a row of the map another unit", async () => {
  await submit("inside");
  await page.locator("#cells span").nth(8).click();
  const number = /[−+]?\d+\.\d\d/g;
  const did = await page.locator("#inside-states").innerText();
  assert.match(did, /The cell forgot .*\s+The cell took in .*\s+The state went from .*\s+The unit shows /);
  const [forgot, before, , , , took, , after] = did.match(number).map((each) => Number(each.replace("−", "-")));
  assert.ok(Math.abs(before + forgot + took - after) < 0.03); // four roundings
  assert.equal(await page.locator("#states path.line").count(), 6);
  await page.locator("#lookback-curve path.line").waitFor();
  assert.match(await page.locator("#lookback-curve svg").getAttribute("aria-label"), /^Probability by characters read: (0\.\d\d, ){8}/);
  assert.equal(await page.locator("#map .row").count(), 10);
  const other = page.locator("#map .row").nth(4);
  const unit = await other.getAttribute("data-unit");
  await other.locator("rect").click();
  await said("inside", `Unit ${unit} of`);
  assert.notEqual(await page.locator("#inside-states").innerText(), did);
  await page.click("#inside button.main");
  await page.waitForFunction(() => document.querySelectorAll("#map .row").length === 32);
});

test("a unit is picked from the map of all units, with the pointer and with the keyboard", async () => {
  await page.click("#tab-inside");
  await said("inside", "Unit 0 of 1024");
  const [box, canvas] = [page.locator("#all-units"), page.locator("#all-units canvas")];
  assert.equal(await canvas.getAttribute("height"), "1024");
  const colors = await canvas.evaluate(
    (one) => new Set(new Uint32Array(one.getContext("2d").getImageData(0, 0, one.width, one.height).data.buffer)).size,
  );
  assert.ok(colors > 200);
  await take("all-units", page);
  await canvas.click({ position: { x: 200, y: 700.5 } });
  await said("inside", "Unit 700 of 1024");
  assert.match(await page.locator("#states svg").getAttribute("aria-label"), /of unit 700 /);
  assert.ok((await page.locator("#map .row").evaluateAll((rows) => rows.map((row) => row.dataset.unit))).includes("700"));
  await box.focus();
  for (const key of ["PageDown", "ArrowDown", "ArrowUp", "ArrowUp"]) await page.keyboard.press(key);
  assert.equal(await box.getAttribute("aria-valuetext"), "unit 731");
  await page.keyboard.press("Enter");
  await said("inside", "Unit 731 of 1024");
  await page.keyboard.press("End");
  assert.equal(await box.getAttribute("aria-valuetext"), "unit 1023");
});

test("the map of all units is ordered by the place of the highest state, and goes with the text", async () => {
  await page.click("#tab-inside");
  await said("inside", "Unit 0 of");
  await page.selectOption("#order", "place of the highest state");
  const highest = await page.locator("#all-units canvas").evaluate((one) => {
    const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
    const key = getComputedStyle(document.getElementById("map-high")).backgroundColor.match(/\d+/g).map(Number);
    const isHighest = (at) => data[at + 3] === 255 && key.every((color, n) => data[at + n] === color);
    return Array.from({ length: one.height }, (_, row) => [...Array(one.width).keys()].find((place) => isHighest(4 * (row * one.width + place))));
  });
  assert.ok(highest.at(-1) > highest[0] + 300);
  assert.deepEqual(highest, highest.toSorted((a, b) => a - b));
  await take("all-units-ordered", page);
  await page.fill("#inside-text", "A rose");
  await page.click("#inside button.main");
  await page.waitForFunction(() => document.querySelector("#all-units canvas").width === 6);
  const labels = await page.locator("#all-units text").allTextContents();
  assert.ok(labels.includes("5") && labels.every((label) => /^(\d+|unit|character)$/.test(label)), `${labels}`);
});

test("the characters before one are shaded by how much it depends on them", async () => {
  await submit("inside");
  await page.locator("#cells span").nth(120).click();
  await page.locator("#lookback-curve path.line").waitFor();
  const shades = await page.$$eval("#strip span", (marks) => marks.map((one) => parseInt(one.style.getPropertyValue("--shade"))));
  assert.equal(shades.length, 120);
  assert.equal(Math.max(...shades), 100);
  assert.ok(shades.indexOf(100) > 110); // the nearest count most
  assert.equal(await page.locator("#strip").innerText(), (await page.locator("#cells").innerText()).slice(0, 121));
  assert.match(await page.locator("#traced-of").innerText(), /from the last \d+ characters, nine tenths from the last \d+\./);
  await take("lookback", page);
});

test("the text to look into is the chosen model's own until another is typed", async () => {
  const starts = (words) => page.waitForFunction((start) => document.getElementById("cells").textContent.startsWith(start), words);
  await page.click("#tab-inside");
  await starts("ROMEO:\n");
  await page.selectOption("#model", "faust");
  await starts("FAUST:\n");
  assert.ok((await page.locator("#cells").textContent()).length > 400);
  await page.reload();
  await page.waitForFunction(() => document.getElementById("model").value === "faust");
  await page.click("#tab-inside");
  await starts("FAUST:\n");
  await page.selectOption("#model", "shakespeare");
  await starts("ROMEO:\n");
  await page.fill("#inside-text", "A rose");
  await page.selectOption("#model", "faust");
  await said("inside", "of 768");
  await starts("A rose");
});

test("a ranking goes when another text is shown, and no effect is said of it", async () => {
  const ranking = page.locator("#ranking button");
  await submit("inside");
  await page.fill("#inside-text", "My ears have yet not drunk a hundred words");
  await ranking.last().click(); // asked for with the ranked text
  await said("inside", "Cohen's d");
  await page.click("#inside button.main");
  await page.waitForFunction(() => document.getElementById("cells").textContent.startsWith("My ears"));
  assert.equal(await ranking.count(), 0);
  await page.click("#find");
  await ranking.first().waitFor();
  await page.selectOption("#model", "faust");
  await said("inside", "of 768 in layer 0");
  assert.equal(await ranking.count(), 0);
  assert.doesNotMatch(await page.locator("#inside-status").textContent(), /Cohen/);
});

test("how far the model looks back is told of the character that was clicked last", async () => {
  await submit("inside");
  const isOfFirst = (request) => request.url().endsWith("/score") && request.postDataJSON().texts.length === 31;
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route("**/score", async (route) => {
    if (isOfFirst(route.request())) await held;
    await route.continue();
  });
  for (const place of [30, 60]) await page.locator("#cells span").nth(place).click();
  await page.waitForFunction(() => document.getElementById("strip").textContent.length === 61);
  const late = page.waitForEvent("requestfinished", isOfFirst);
  release();
  await late;
  await page.waitForTimeout(300); // in which the page reads the late answer
  assert.equal(await page.locator("#strip").evaluate((strip) => strip.textContent.length), 61);
  assert.match(await page.locator("#lookback-curve svg").getAttribute("aria-label"), /: (\d\.\d\d(, )?){41}$/);
});

test("only that can be looked for which the text has", async () => {
  await page.click("#tab-inside");
  await said("inside", "Unit 0 of");
  const quotes = page.locator("#mark option[value='inside quotes']");
  assert.ok(await quotes.evaluate((option) => option.disabled));
  await page.fill("#inside-text", 'Say "ay" now');
  assert.ok(!(await quotes.evaluate((option) => option.disabled)));
  await page.fill("#inside-text", "a");
  assert.ok(await page.locator("#find").isDisabled());
  await page.fill("#inside-text", "Ah");
  await page.click("#find");
  await said("inside", "For upper case: Cohen's d");
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
  await take("temperatures", page);
});

test("after the model's own seed text, the bars begin where the choice is open", async () => {
  await page.locator("#temperature").fill("1");
  await page.click("#tab-temperatures");
  for (const [model, begins] of [["", "ROMEO:\n"], ["faust", "FAUST:\n"]]) {
    if (model) await page.selectOption("#model", model);
    await page.waitForFunction((text) => document.getElementById("drawn").textContent === text, begins);
    const shares = await page.$$eval("#chances title", (titles) => titles.map((one) => parseFloat(one.textContent.split(": ").at(-1))));
    assert.ok(shares[0] < 50 && shares[4] > 4, `${model}: ${shares.slice(0, 5)}`);
  }
  await take("temperatures-begin", page);
});

test("steps asked for while the service still computes are taken one after another", async () => {
  await page.route("**/inspect", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await route.continue();
  });
  await page.fill("#seed", "Wh");
  await page.click("#tab-temperatures");
  await page.click("#step");
  await page.click("#step");
  await page.waitForFunction(() => document.getElementById("drawn").textContent.length === 4);
  assert.equal(await page.locator("#drawn mark").count(), 1);
});

test("nothing is drawn while the service refuses, and the draws go on after the same text", async () => {
  const drawn = page.locator("#drawn");
  await page.click("#tab-temperatures");
  await page.fill("#seed", "Wh\u4e16");
  for (const tries of [1, 2]) {
    await page.click("#step");
    await said("temperatures", "\u4e16");
    assert.equal(await page.locator("#chances .bar").count(), 0, `after ${tries} tries`);
  }
  await page.fill("#seed", "Wh");
  await page.click("#step");
  await said("temperatures", "Drawn");
  await page.route("**/inspect", (route) => route.abort(), { times: 1 });
  await page.click("#step");
  await said("temperatures", "cannot be reached");
  const before = await drawn.textContent();
  assert.equal(before.length, "Wh?".length);
  await page.click("#step");
  await said("temperatures", "Drawn");
  const mark = await page.locator("#drawn mark").textContent();
  assert.equal(await drawn.textContent(), before + mark);
  complaints.length = 0; // the browser's own lines about the refusals
});

test("the slider over epochs shows samples and loss of each", async () => {
  await submit("learn");
  const [status, sample] = [page.locator("#learn-status"), page.locator("[id='sample-1.0']")];
  const first = await sample.textContent();
  assert.match(await status.textContent(), /Before the training: 4.22 nats a character on unseen text, like guessing among 68/);
  assert.equal(await page.locator("#losses .mark").count(), 1);
  assert.equal(await page.locator("#losses .mark + text").textContent(), "4.22 nats");
  await take("learn-first", page);
  await page.locator("#epoch").fill("23");
  assert.equal(await page.locator("#losses .mark").count(), 1);
  assert.match(await status.textContent(), /After 23 of 27 epochs: 1.33 nats/);
  assert.notEqual(await sample.textContent(), first);
  assert.equal(await page.locator("#losses path.line").count(), 2);
  await page.selectOption("#model", "faust");
  await said("learn", "Before the training: 4.47 nats");
  await take("learn", page);
});

test("a model's card says in words what it can, with curves, baselines and versions side by side", async () => {
  await submit("models");
  const card = page.locator("#cards article", { hasText: "shakespeare@" });
  await card.locator("path.line.first").waitFor();
  assert.match(await card.innerText(), /On unseen text it needs 1\.33 nats a character: like guessing among 3\.8\./);
  const losses = await card.locator(".bars li").allInnerTexts();
  assert.equal(losses.length, 5);
  assert.match(losses[0], /this model/);
  for (const title of ["Card", "Versions"]) await card.locator("summary", { hasText: title }).click();
  assert.match(await card.locator("table", { hasText: "like guessing among" }).innerText(), /@6/);
  assert.equal(await card.locator("h3").first().innerText(), "shakespeare");
  assert.doesNotMatch(await card.innerText(), /\*\*|^\|/m);
  await take("models", page);
});
