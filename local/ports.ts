import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { writeWhole } from "./files.ts";

/**
 * Below the range from which systems take ports for outgoing connections (32768 and up on Linux): a server that is
 * down for a moment finds its port free when it comes back.
 */
const lowest = 20_000;
const highest = 32_000;
const tries = 200;

/** True when nothing listens on the port of the loopback address. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

const handedOut = new Set<number>();

/**
 * Free ports of the loopback address, different from all this process was given before. The ports wanted (those of an
 * earlier run) are kept where they are still free.
 */
export async function claimPorts(
  count: number,
  wanted: readonly (number | undefined)[] = [],
): Promise<number[]> {
  const ports: number[] = [];
  for (let index = 0; index < count; index++) {
    const before = wanted[index];
    ports.push(before !== undefined && (await isPortFree(before)) ? before : await anyFreePort());
    handedOut.add(ports[index]!);
  }
  return ports;
}

/** The port of the server whose folder this is, noted in it: the one of its last start while that is free. */
export async function keepPort(dir: string): Promise<number> {
  const file = path.join(dir, "port");
  const kept = Number(await readFile(file, "utf8").catch(() => ""));
  const [port] = (await claimPorts(1, kept ? [kept] : [])) as [number];
  await writeWhole(file, `${port}\n`, 0o600);
  return port;
}

async function anyFreePort(): Promise<number> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const port = randomInt(lowest, highest);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free port found on 127.0.0.1 between ${lowest} and ${highest}.`);
}
