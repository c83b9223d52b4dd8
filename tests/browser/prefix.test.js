// The page and the API reference below a prefix of a site without TLS, in headless Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startPrefix } from "./balancer.js";
import { startService } from "./server.js";
import { launch, openWindow } from "./window.js";

const SITE = "school.test"; // no name of this machine, so that the browser has no clipboard for scripts

let browser, proxy, service, url;

before(async () => {
  service = await startService();
  proxy = await startPrefix("/school/charloom", service.port);
  url = proxy.url.replace("127.0.0.1", SITE);
  browser = await launch(`--host-resolver-rules=MAP ${SITE} 127.0.0.1`);
});
after(async () => {
  await browser?.close();
  await proxy?.stop();
  await service?.stop();
});

test("a text is written below a prefix, and its curl command, copied without TLS, has the prefix", async () => {
  const { page, complaints } = await openWindow(browser, `${url}/`);
  await page.waitForFunction(() => document.getElementById("model").options.length > 1);
  await page.click("#generate");
  await page.locator("#write-status", { hasText: "Done" }).waitFor();
  await page.click("#copy-curl");
  await page.fill("#seed", "");
  await page.press("#seed", "Control+V");
  const copied = await page.inputValue("#seed");
  assert.ok(copied.endsWith(` ${url}/generate`), copied);
  await page.click("#tab-models");
  await page.locator("#cards article").first().waitFor();
  await page.context().close();
  assert.deepEqual(complaints, []);
});

test("a route can be tried in the reference below a prefix", async () => {
  const { page, complaints } = await openWindow(browser, `${url}/docs`);
  const route = page.locator("#get_models");
  await route.locator("summary", { hasText: "Try it" }).click();
  await route.locator("button").click();
  await route.locator("output", { hasText: "200 OK" }).waitFor();
  await page.context().close();
  assert.deepEqual(complaints, []);
});
