/** All resources of the local ARM: in memory to read, one file each on disk, so that a write costs the same however many there are. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ArmResource, ResourceView } from "./backend.ts";
import { readJsonFile, syncFolder, writeFileDurably } from "./durable.ts";
import { idKey } from "./path.ts";

/** A resource with what only ARM itself needs to know. */
export interface StoredResource extends ArmResource {
  /** Read-only values made once (ids, addresses, names of servers), kept over updates. Merged into the body. */
  outputs: Record<string, unknown>;
  etag: string;
  /** `Succeeded`, `Failed`, `Canceled` or the state of a running operation. */
  state: string;
  /** The running or last operation's id. */
  operationId?: string;
  createdAt: string;
  changedAt: string;
  /** Object ids of who made and last changed it. */
  createdBy: string;
  changedBy: string;
}

/** A name that stays taken after its resource is gone: vaults, their secrets, workspaces. */
export interface SoftDeleted {
  /** Sorts the records: `vault`, `secret`, `workspace`. */
  kind: string;
  resource: StoredResource;
  /** Resources below it, deleted with it and recovered with it. */
  children: StoredResource[];
  deletedAt: string;
  purgeAt: string;
}

export class ResourceStore implements ResourceView {
  readonly #folder: string;
  readonly #deletedFolder: string;
  readonly #resources = new Map<string, StoredResource>();
  readonly #deleted = new Map<string, SoftDeleted>();
  readonly #listeners = new Set<(resource: StoredResource) => void>();

  /** Reads everything in `folder`. Throws, naming the file, if one is damaged. */
  constructor(folder: string) {
    this.#folder = join(folder, "resources");
    this.#deletedFolder = join(folder, "deleted");
    for (const file of readFolder<StoredResource>(this.#folder)) this.#resources.set(idKey(file.id), file);
    for (const file of readFolder<SoftDeleted>(this.#deletedFolder)) {
      this.#deleted.set(deletedKey(file.kind, file.resource.id), file);
    }
  }

  get(id: string): StoredResource | undefined {
    return this.#resources.get(idKey(id));
  }

  list(type: string, below?: string): StoredResource[] {
    const wanted = type.toLowerCase();
    return this.all(below).filter((resource) => resource.type.toLowerCase() === wanted);
  }

  /** Every resource, or all below one id (the id itself not included), in the order of their creation. */
  all(below?: string): StoredResource[] {
    const prefix = below === undefined ? "" : `${idKey(below)}/`;
    return [...this.#resources].filter(([key]) => key.startsWith(prefix)).map(([, resource]) => resource);
  }

  put(resource: StoredResource): void {
    const before = this.#resources.get(idKey(resource.id));
    writeFileDurably(
      join(this.#folder, fileName(resource.type, resource.id)),
      `${JSON.stringify(resource)}\n`,
    );
    this.#resources.set(idKey(resource.id), resource);
    if (before !== resource) this.#changed(resource);
  }

  remove(id: string): void {
    const resource = this.get(id);
    if (resource === undefined) return;
    rmSync(join(this.#folder, fileName(resource.type, resource.id)), { force: true });
    syncFolder(this.#folder);
    this.#resources.delete(idKey(id));
    this.#changed(resource);
  }

  /** Soft-deleted records of a kind. */
  deleted(kind: string): SoftDeleted[] {
    return [...this.#deleted.values()].filter((record) => record.kind === kind);
  }

  softDelete(record: SoftDeleted): void {
    const file = join(this.#deletedFolder, fileName(record.kind, record.resource.id));
    writeFileDurably(file, `${JSON.stringify(record)}\n`);
    this.#deleted.set(deletedKey(record.kind, record.resource.id), record);
  }

  /** Forgets a soft-deleted record for good. */
  purge(record: SoftDeleted): void {
    rmSync(join(this.#deletedFolder, fileName(record.kind, record.resource.id)), { force: true });
    syncFolder(this.#deletedFolder);
    this.#deleted.delete(deletedKey(record.kind, record.resource.id));
  }

  /** Calls back after every stored change. Returns the way to stop that. */
  onChange(listener: (resource: StoredResource) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(resource: StoredResource): void {
    for (const listener of this.#listeners) listener(resource);
  }
}

const deletedKey = (kind: string, id: string): string => `${kind} ${idKey(id)}`;

/** Readable first, unique by the hash of the id: ids are longer than file names may be. */
function fileName(type: string, id: string): string {
  const hash = createHash("sha256").update(idKey(id)).digest("hex").slice(0, 20);
  const label = `${type.split("/").at(-1) ?? ""}-${id.split("/").at(-1) ?? ""}`.replace(
    /[^A-Za-z0-9-]+/g,
    "_",
  );
  return `${label.slice(0, 80)}.${hash}.json`;
}

function readFolder<T extends { createdAt?: string; resource?: { createdAt: string } }>(folder: string): T[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const records: T[] = [];
  for (const name of readdirSync(folder)) {
    // A temporary file is a write that never ended: its resource is in the old file, or was never accepted.
    if (name.endsWith(".tmp")) rmSync(join(folder, name), { force: true });
    else if (name.endsWith(".json")) {
      const record = readJsonFile<T>(join(folder, name));
      if (record !== undefined) records.push(record);
    }
  }
  const made = (record: T): string => record.createdAt ?? record.resource?.createdAt ?? "";
  return records.sort((a, b) => made(a).localeCompare(made(b)));
}
