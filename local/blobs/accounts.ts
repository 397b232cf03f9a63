import { rm } from "node:fs/promises";
import type { ArmResource, Backend, BackendGroup } from "../arm/backend.ts";
import { notFound } from "../arm/errors.ts";
import { recordAt, valueAt } from "../arm/http.ts";
import { adopt, ancestorOf, createEntries, halt, requirePart } from "../entries.ts";
import type { Entry, ServersOptions } from "../entries.ts";
import { endLeftOverServer, startBlobServer, type BlobServer } from "./server.ts";

export interface BlobBackendsOptions extends ServersOptions {
  /** Azurite's program for its blob service. */
  main: string;
}

export interface RunningAccount {
  resourceId: string;
  /** `https://127.0.0.1:PORT/<account>/` */
  endpoint: string;
}

export interface BlobBackends extends BackendGroup {
  accounts(): RunningAccount[];
}

interface AccountEntry extends Entry<BlobServer> {
  /** The keys that the server was started with. */
  keys?: string[];
}

const accountType = "microsoft.storage/storageaccounts";

/** A blob server behind every storage account, with its containers. */
export function createBlobBackends(options: BlobBackendsOptions): BlobBackends {
  const entries = createEntries<AccountEntry>(options.dir);
  const running = (entry: AccountEntry) => {
    entries.requireOpen();
    return ensureServer(entry, options);
  };

  const accounts: Backend = {
    type: accountType,
    async ensure(resource) {
      const entry = entries.of(resource);
      const server = await entry.serial(() => running(entry));
      // Azure's other services of the account keep their names: nothing answers there.
      return { primaryEndpoints: { blob: server.endpoint } };
    },
    async remove(resource) {
      await entries.discard(resource, async (dir) => {
        await endLeftOverServer(dir);
        await rm(dir, { recursive: true, force: true });
      });
      options.onChange();
    },
  };
  const containers: Backend = {
    type: `${accountType}/blobservices/containers`,
    async ensure(resource, view) {
      const account = ancestorOf(resource, view, 2);
      if (!account)
        throw notFound("ParentResourceNotFound", `The storage account of ${resource.name} was not found.`);
      const entry = entries.of(account);
      await entry.serial(async () => (await running(entry)).ensureContainer(resource.name));
      return {};
    },
    remove: (resource, view) =>
      entries.whileRunning(ancestorOf(resource, view, 2), (server) => server.removeContainer(resource.name)),
  };
  return {
    backends: [accounts, containers],
    accounts: () =>
      entries
        .all()
        .flatMap(({ resource, server }) =>
          server ? [{ resourceId: resource.id, endpoint: server.endpoint }] : [],
        ),
    stop: () => entries.stop(),
  };
}

async function ensureServer(entry: AccountEntry, options: BlobBackendsOptions): Promise<BlobServer> {
  const keys = keysOf(entry.resource);
  if (entry.server?.isRunning() && sameKeys(entry.keys, keys)) return entry.server;
  await halt(entry);
  await requirePart("The blob server's program is not at", options.main);
  const { dir, resource } = entry;
  const { main, authority, log } = options;
  const server = await startBlobServer({ dir, account: resource.name, main, authority, keys });
  entry.keys = keys;
  adopt(entry, server, { again: () => ensureServer(entry, options), log });
  options.onChange();
  return server;
}

/** The account's keys as ARM answers them; none where the account lets no key in. */
function keysOf({ body }: ArmResource): string[] {
  if (valueAt(body, "properties.allowSharedKeyAccess") === false) return [];
  return Object.values(recordAt(body, "private.keys")).filter((key) => typeof key === "string");
}

function sameKeys(before: string[] | undefined, now: string[]): boolean {
  return before?.join() === now.join();
}
