// A service of the test's own, run as its users run it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Start a service, on a free port or a given one, and wait until it answers: {url, port, stop, kill}. */
export async function startService(settings = {}, port = undefined) {
  port ??= await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { ...process.env, ...settings, PORT: port };
  const options = { cwd: ROOT, env, stdio: "ignore", detached: true }; // a group, to be killed at once
  const child = spawn(`${ROOT}/.venv/bin/python`, ["-m", "service"], options);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  const kill = async () => {
    process.kill(-child.pid, "SIGKILL");
    await once(child, "exit");
  };
  const answers = () => fetch(`${url}/readyz`).then((answer) => answer.ok, () => false);
  try {
    await until(() => child.exitCode === null && answers());
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, stop, kill };
}

/** What a service writes for a request, drawn anew: the seed text and the whole text. */
export async function writeWhole(service, request) {
  const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
  const answer = await fetch(`${service.url}/generate`, { method: "POST", headers, body: JSON.stringify(request) });
  const { seed, text } = await answer.json();
  return seed + text;
}

/** The value of a metric without labels; 0 for a metric that has none yet. */
export async function metricOf(service, name) {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  return Number(metrics.match(new RegExp(`^${name} (\\S+)$`, "m"))?.[1] ?? 0);
}

/** Wait until a condition holds, some milliseconds at most. */
export async function until(condition, patience = 30_000) {
  for (let waited = 0; waited < patience; waited += 100) {
    if (await condition()) return;
    await sleep(100);
  }
  throw new Error(`waited in vain for ${condition}`);
}

/** A port that nothing listens on. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
