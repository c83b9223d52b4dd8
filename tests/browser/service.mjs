// A running service of the tests' own, as its users start it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Start a service with these settings; {address, get, stop}. */
export async function start(settings = {}) {
  const port = await freePort();
  const env = { PATH: process.env.PATH, PORT: port, CHARLOOM_STORE: "/nonexistent", ...settings };
  const child = spawn(`${ROOT}.venv/bin/python`, ["-m", "service"], { cwd: ROOT, env, stdio: "ignore" });
  const address = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${address}/readyz`).then((answer) => answer.ok, () => false));
  const stop = async () => {
    child.kill();
    await once(child, "exit");
  };
  return { address, stop, running: () => metric(address, "charloom_running") };
}

/** Wait until the condition holds. */
export async function until(condition) {
  for (let tries = 0; tries < 600; tries++) {
    if (await condition()) return;
    await sleep(50);
  }
  throw new Error("waited in vain");
}

async function metric(address, name) {
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name} (.*)$`, "m"))[1]);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
