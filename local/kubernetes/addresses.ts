import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "../files.ts";
import { createSerial } from "../serial.ts";
import type { AddressPool } from "./cloud-controller.ts";

/** 198.18.0.0/15 is for tests of network devices (RFC 2544): never an address of anything real. */
const prefix = "198.19";
const size = 65_536 - 2;

/**
 * Addresses for load balancers without a public IP address resource, unique over all clusters, kept in one file so
 * that a Service has the same one after a restart.
 */
export function createAddressPool(dir: string): AddressPool {
  const file = path.join(dir, "addresses.json");
  const serial = createSerial();
  let taken: Record<string, string> | undefined;
  const load = async () => (taken ??= await readTaken(file));
  const store = async (all: Record<string, string>) => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeWhole(file, `${JSON.stringify(all, null, 1)}\n`, 0o600);
  };
  return {
    claim: (cluster, service) =>
      serial(async () => {
        const all = await load();
        const owner = `${path.basename(cluster)}/${service}`;
        const present = Object.keys(all).find((address) => all[address] === owner);
        if (present) return present;
        const address = freeAddress(owner, all);
        all[address] = owner;
        await store(all);
        return address;
      }),
    release: (cluster) =>
      serial(async () => {
        const all = await load();
        const gone = Object.keys(all).filter((address) =>
          all[address]!.startsWith(`${path.basename(cluster)}/`),
        );
        if (gone.length === 0) return;
        for (const address of gone) delete all[address];
        await store(all);
      }),
  };
}

/** Starts at a place that follows from the owner's name, so that the same program gets the same addresses anew. */
function freeAddress(owner: string, taken: Record<string, string>): string {
  const start = createHash("sha256").update(owner).digest().readUInt16BE(0) % size;
  for (let step = 0; step < size; step++) {
    const number = ((start + step) % size) + 1;
    const address = `${prefix}.${number >> 8}.${number & 255}`;
    if (!(address in taken)) return address;
  }
  throw new Error(`All addresses of ${prefix}.0.0/16 are taken.`);
}

async function readTaken(file: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
