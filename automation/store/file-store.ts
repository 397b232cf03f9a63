/** The store in a folder: a file per document, a file of lines per log, one writer. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { tierliftError } from "../errors.ts";
import type { AuditEntry, TierliftEvent } from "../model.ts";
import { createCollection } from "./collection.ts";
import { readDocument, removeDocument, writeDocument } from "./document-file.ts";
import { lockFolder } from "./folder-lock.ts";
import { fileLogs } from "./log-file.ts";
import type { OnCut } from "./log-file.ts";
import type { Artifacts, Collection, Store } from "./store.ts";

const FOLDERS = ["tenants", "migrations", "operations", "answers", "audit", "events", "artifacts"] as const;

export interface FileStoreOptions {
  /** Told about every log whose last line a crash had cut; the line is gone, the log goes on. */
  onCut?: OnCut;
}

/**
 * Opens the data folder, making it when it is not there. Throws STORE_LOCKED while another process uses it,
 * STORE_DAMAGED and STORE_VERSION for a file that cannot be trusted.
 */
export async function openFileStore(
  folder: string,
  { onCut = () => undefined }: FileStoreOptions = {},
): Promise<Store> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(folder);
  try {
    await Promise.all(FOLDERS.map((name) => mkdir(join(folder, name), { recursive: true, mode: 0o700 })));
    return await openLocked(folder, onCut, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openLocked(folder: string, onCut: OnCut, release: () => void): Promise<Store> {
  const writes = new Set<Promise<void>>();
  let closed = false;

  /** Lets `close` wait for writes under way, and refuses those that come after it. */
  function tracked(write: () => Promise<void>): Promise<void> {
    if (closed) return Promise.reject(tierliftError("STORE_CLOSED", {}));
    const running = write().finally(() => writes.delete(running));
    writes.add(running);
    return running;
  }

  async function collection<T extends { id: string }>(kind: string, name: string): Promise<Collection<T>> {
    const present = await readAll<T>(join(folder, name));
    const fileOf = (id: string): string => join(folder, name, `${id}.json`);
    return createCollection<T>(kind, present, {
      write: (document) => tracked(() => writeDocument(fileOf(document.id), document)),
      erase: (id) => tracked(() => removeDocument(fileOf(id))),
    });
  }

  const audit = fileLogs<AuditEntry>(join(folder, "audit"), onCut);
  const events = fileLogs<TierliftEvent>(join(folder, "events"), onCut);
  return {
    tenants: await collection("tenant", "tenants"),
    migrations: await collection("migration", "migrations"),
    operations: await collection("operation", "operations"),
    answers: await collection("answer", "answers"),
    audit,
    events,
    artifacts: fileArtifacts(join(folder, "artifacts"), tracked),
    async close() {
      closed = true;
      await Promise.allSettled(writes);
      await Promise.all([audit.close(), events.close()]);
      release();
    },
  };
}

async function readAll<T extends { id: string }>(folder: string): Promise<T[]> {
  const documents: T[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const file = join(folder, name);
    if (name.endsWith(".tmp")) {
      // What a crash left of a write that never took effect.
      await rm(file);
      continue;
    }
    const document = await readDocument<T>(file);
    if (document === undefined) continue;
    if (`${document.id}.json` !== name) {
      throw tierliftError("STORE_DAMAGED", { file, problem: `it holds the document ${document.id}` });
    }
    documents.push(document);
  }
  return documents;
}

function fileArtifacts(folder: string, tracked: (write: () => Promise<void>) => Promise<void>): Artifacts {
  const fileOf = (key: string): string => join(folder, `${key}.json`);
  return {
    put: (key, value) => tracked(() => writeDocument(fileOf(key), value)),
    get: (key) => readDocument(fileOf(key)),
  };
}
