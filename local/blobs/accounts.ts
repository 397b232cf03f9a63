import { access, rm } from "node:fs/promises";
import type { ArmResource, Backend, BackendGroup, ResourceView } from "../arm/backend.ts";
import { badRequest, notFound } from "../arm/errors.ts";
import { recordAt, valueAt } from "../arm/http.ts";
import { createEntries, halt, type Entry } from "../entries.ts";
import type { Authority } from "../pki/authority.ts";
import { endLeftOverServer, startBlobServer, type BlobServer } from "./server.ts";

export interface BlobBackendsOptions {
  /** A folder per account is made below it. */
  dir: string;
  /** Azurite's program for its blob service. */
  main: string;
  /** Signs the servers' certificates. */
  authority: Authority;
  /** The list of servers has changed. */
  onChange: () => void;
  /** Told what goes wrong beside the requests. */
  log?: (message: string, error?: unknown) => void;
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
  let stopped = false;
  const running = (entry: AccountEntry) => {
    if (stopped) throw new Error("The local cloud is stopping.");
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
      const entry = entries.of(resource);
      await entry.serial(async () => {
        await halt(entry);
        await endLeftOverServer(entry.dir);
        await rm(entry.dir, { recursive: true, force: true });
        entries.delete(resource.id);
      });
      options.onChange();
    },
  };
  const containers: Backend = {
    type: `${accountType}/blobservices/containers`,
    async ensure(resource, view) {
      const account = accountOf(resource, view);
      if (!account)
        throw notFound("ParentResourceNotFound", `The storage account of ${resource.name} was not found.`);
      const entry = entries.of(account);
      await entry.serial(async () => (await running(entry)).ensureContainer(resource.name));
      return {};
    },
    // An account that is gone or going has taken its containers along.
    async remove(resource, view) {
      const account = accountOf(resource, view);
      const entry = account && entries.get(account.id);
      await entry?.serial(async () => {
        if (entry.server?.isRunning()) await entry.server.removeContainer(resource.name);
      });
    },
  };
  return {
    backends: [accounts, containers],
    accounts: () =>
      entries
        .all()
        .flatMap(({ resource, server }) =>
          server ? [{ resourceId: resource.id, endpoint: server.endpoint }] : [],
        ),
    async stop() {
      stopped = true;
      await Promise.all(entries.all().map((entry) => entry.serial(() => halt(entry))));
    },
  };
}

async function ensureServer(entry: AccountEntry, options: BlobBackendsOptions): Promise<BlobServer> {
  const keys = keysOf(entry.resource);
  if (entry.server?.isRunning() && sameKeys(entry.keys, keys)) return entry.server;
  await halt(entry);
  await requireProgram(options.main);
  const { dir, resource } = entry;
  const { main, authority, log = () => undefined } = options;
  const server = await startBlobServer({ dir, account: resource.name, main, authority, keys });
  Object.assign(entry, { server, keys });
  const isWanted = () => entry.server === server;
  entry.revive({
    ended: server.ended,
    isWanted,
    // Asked once more in turn: a stop or a removal may have been waiting before it.
    restart: () => entry.serial(async () => isWanted() && (await ensureServer(entry, options))),
    log,
  });
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

async function requireProgram(main: string): Promise<void> {
  await access(main).catch((error: unknown) => {
    throw badRequest(
      "PartMissing",
      `The blob server's program is not at ${main}: ${error instanceof Error ? error.message : ""}`,
    );
  });
}

/** `…/storageAccounts/<account>/blobServices/default/containers/<name>` belongs to `…/storageAccounts/<account>`. */
function accountOf(container: ArmResource, view: ResourceView): ArmResource | undefined {
  return view.get(container.id.split("/").slice(0, -4).join("/"));
}
