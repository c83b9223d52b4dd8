// The API reference, in headless Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService } from "./server.js";
import { faultsOf, launch, openWindow, take } from "./window.js";

let browser, service;

before(async () => {
  service = await startService();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

for (const colorScheme of ["light", "dark"]) {
  test(`the reference is no wider than a phone, ${colorScheme}, and a route can be tried in it`, async () => {
    const options = { colorScheme, viewport: { width: 380, height: 740 } };
    const { page, complaints } = await openWindow(browser, `${service.url}/docs`, options);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 380);
    const route = page.locator("#post_score");
    await route.locator("summary", { hasText: "Try it" }).click();
    await route.locator("button").click();
    await route.locator("output", { hasText: "perplexity" }).waitFor();
    assert.match(await route.locator("output").textContent(), /^200 OK/);
    assert.deepEqual(await faultsOf(page), []);
    await take(`docs-${colorScheme}`, page);
    await page.context().close();
    assert.deepEqual(complaints, []);
  });
}
