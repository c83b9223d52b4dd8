// Pages of another origin, with the recipes of the documents, in headless Chromium.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { startBalancer } from "./balancer.js";
import { metricOf, ROOT, startService, until, writeWhole } from "./server.js";
import { launch, PATIENCE } from "./window.js";

const RECIPE = recipe("cookbook.md", "A web page of another origin");
const CLIENT = recipe("scale.md", "Resuming a stream");

let browser, origin, site;

before(async () => {
  browser = await launch();
  site = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>A game</title>"));
  await once(site.listen(0, "127.0.0.1"), "listening");
  origin = `http://127.0.0.1:${site.address().port}`;
});
after(async () => {
  await browser?.close();
  site?.close();
});

/** The JavaScript below a heading of a document. */
function recipe(document, title) {
  const text = readFileSync(`${ROOT}/docs/${document}`, "utf8");
  const section = text.slice(text.indexOf(`\n## ${title}\n`));
  return section.match(/```javascript\n([^]*?)```/)[1];
}

/** A fresh page of the other origin, and what its scripts log, as far as they have. */
async function visit() {
  const page = await browser.newPage();
  const logged = [];
  page.on("console", (line) => line.type() === "log" && logged.push(line.text()));
  await page.goto(origin);
  return { page, logged };
}

/** Run lines of JavaScript in a page, against a service. */
const run = (page, lines, { url }) => {
  return page.addScriptTag({ type: "module", content: lines.replaceAll("http://localhost:8000", url) });
};

test("the recipe of the cookbook gets a text for a page of another origin, and none for other pages", async () => {
  const sharing = await startService({ CHARLOOM_CORS_ORIGINS: origin });
  const closed = await startService();
  try {
    const { page, logged } = await visit();
    await run(page, RECIPE, sharing);
    await until(() => logged.length);
    const request = { seed: "GHOST:\n", temperature: 0.8, length: 60 };
    assert.equal(request.seed + logged[0], await writeWhole(sharing, request));
    const refused = page.waitForEvent("pageerror");
    await run(page, RECIPE, closed);
    assert.match(String(await refused), /Failed to fetch/);
    assert.equal(logged.length, 1);
    await page.close();
  } finally {
    await sharing.stop();
    await closed.stop();
  }
});

test("the client of the documents goes on in a page of another origin, where its connection breaks", async () => {
  const service = await startService({ CHARLOOM_CORS_ORIGINS: origin, CHARLOOM_DEADLINE: 600 });
  const balancer = await startBalancer(service.port);
  try {
    const { page, logged } = await visit();
    const posts = [];
    page.on("request", (request) => request.method() === "POST" && posts.push(request));
    await run(page, CLIENT, balancer);
    await until(async () => (await metricOf(service, "charloom_text_characters_total")) > 2_000);
    balancer.cut();
    await until(() => logged.length, 5 * PATIENCE);
    const request = { seed: "ROMEO:", temperature: 0.5, length: 10_000 };
    assert.equal(request.seed + logged[0], await writeWhole(service, request));
    const [first, next] = posts;
    const told = (await first.response()).headers();
    assert.ok(Number(next.headers()["last-event-id"]) > 0);
    assert.equal(next.headers()["if-match"], told.etag); // the page has read the tag and the version
    assert.equal(next.postDataJSON().model, told["x-model"]);
    await page.close();
  } finally {
    await balancer.stop();
    await service.stop();
  }
});

test("a page of another origin reads the headers of a stream, and of a refusal", async () => {
  const service = await startService({ CHARLOOM_CORS_ORIGINS: origin, CHARLOOM_REQUESTS_PER_MINUTE: 1 });
  try {
    const { page } = await visit();
    const ask = () => page.evaluate(readHeaders, `${service.url}/generate`);
    const stream = ["etag", "ratelimit", "x-cache", "x-cached-characters", "x-model", "x-random-seed", "x-request-id"];
    assert.deepEqual(missing(stream, await ask()), []);
    assert.deepEqual(missing(["ratelimit", "retry-after", "x-request-id"], await ask()), []);
    await page.close();
  } finally {
    await service.stop();
  }
});

const missing = (names, headers) => names.filter((name) => !headers.includes(name));

/** The names of the headers that a page may read of the answer to a stream's request; runs in the page. */
async function readHeaders(url) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ seed: "ROMEO:", length: 20, stream: true });
  return [...(await fetch(url, { method: "POST", headers, body })).headers.keys()];
}
