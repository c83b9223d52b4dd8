// What stands around several services: a balancer in front of them, and the Redis that they share.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createProxy, request as forward } from "node:http";
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

import { freePort, ROOT, until } from "./server.js";

/**
 * Forward each connection to the service on a port: {url, lead, answer, cut, stop}.
 *
 * `lead` names another port for the next connections, `answer` a whole HTTP answer in place of any service's,
 * and `cut` breaks the connections that there are.
 */
export async function startBalancer(port) {
  let answered = null;
  const clients = new Set();
  const server = createServer((client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    if (answered !== null) return client.once("data", () => client.end(answered)).on("error", () => {});
    const service = connect(port, "127.0.0.1");
    // A connection that breaks on one side breaks on the other one.
    pipeline(client, service, () => {});
    pipeline(service, client, () => {});
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    lead: (to) => ([port, answered] = [to, null]),
    answer: (bytes) => (answered = bytes),
    cut: () => clients.forEach((client) => client.destroy()),
    stop: async () => {
      clients.forEach((client) => client.destroy());
      server.close();
      await once(server, "close");
    },
  };
}

/** Offer the service on a port below a prefix, as a proxy of a whole site does: {url, stop}. */
export async function startPrefix(prefix, port) {
  const proxy = createProxy((asked, answer) => {
    if (!asked.url.startsWith(`${prefix}/`)) return answer.writeHead(404).end();
    const { method, headers, url } = asked;
    const sent = forward({ host: "127.0.0.1", port, path: url.slice(prefix.length), method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    asked.pipe(sent);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${proxy.address().port}${prefix}`,
    stop: async () => {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

/** Start a Redis server that keeps everything in memory: {url, stop}. */
export async function startRedis() {
  const port = await freePort();
  const options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = spawn(`${ROOT}/.venv/bin/redis-server`, ["--port", port, ...options], { stdio: "ignore" });
  const listens = async () => {
    const probe = connect(port, "127.0.0.1");
    try {
      await once(probe, "connect");
      return true;
    } catch {
      return false;
    } finally {
      probe.destroy();
    }
  };
  await until(() => child.exitCode === null && listens());
  const stop = async () => {
    child.kill();
    await once(child, "exit");
  };
  return { url: `redis://127.0.0.1:${port}/0`, stop };
}
