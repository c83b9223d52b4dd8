// A browser's window on a service, and pictures of it.

import { chromium } from "playwright-core";

const AXE = new URL("node_modules/axe-core/axe.min.js", import.meta.url).pathname;

// Milliseconds that a test waits for one thing: a busy machine takes a quarter of a minute for four texts.
export const PATIENCE = 60_000;

export const launch = (...args) => chromium.launch({ executablePath: "/usr/bin/chromium", args });

/** A fresh window on the page at an address: {page, complaints}, where complaints are what goes wrong in it. */
export async function openWindow(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  await context.addInitScript({ path: AXE });
  const page = await context.newPage();
  const complaints = [];
  const { origin } = new URL(url);
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => request.url().startsWith(origin) || complaints.push(request.url()));
  await page.goto(url);
  if (new URL(url).pathname === "/") await page.waitForFunction(() => document.getElementById("model").options.length > 1);
  return { page, complaints };
}

/** The rules with serious or critical faults that axe finds on a page, each with its first place. */
export async function faultsOf(page) {
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const serious = violations.filter(({ impact }) => /serious|critical/.test(impact));
  return serious.map(({ id, nodes }) => [id, nodes[0].html]);
}

/** Keep a picture where SHOTS names a folder. */
export async function take(name, page) {
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
}
