/** One JSON document in one file, by way of lowdb, with what lowdb leaves out: durability, a version, no empty start. */
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Low } from "lowdb";
import type { Adapter } from "lowdb";
import { tierliftError } from "../errors.ts";

/** Version of the files' layout; a reader refuses any other. */
export const SCHEMA_VERSION = 1;

interface Envelope<T> {
  schemaVersion: number;
  document: T;
}

/** Writes the document; when the promise resolves it survives a loss of power. */
export async function writeDocument<T>(file: string, document: T): Promise<void> {
  const low = new Low<Envelope<T>>(durableFile(file), { schemaVersion: SCHEMA_VERSION, document });
  await low.write();
}

/** Reads a document; undefined when there is no such file. Throws STORE_DAMAGED and STORE_VERSION by name. */
export async function readDocument<T>(file: string): Promise<T | undefined> {
  const adapter = durableFile<T>(file);
  const envelope = await adapter.read();
  return envelope?.document;
}

/** Removes a document; when the promise resolves it stays away after a loss of power. */
export async function removeDocument(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncFolder(dirname(file));
}

/** lowdb's adapter interface over a file that is replaced as a whole: temp file, fsync, rename, fsync of the folder. */
function durableFile<T>(file: string): Adapter<Envelope<T>> {
  return {
    async read() {
      const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return null;
        throw error;
      });
      return text === null ? null : parseEnvelope<T>(file, text);
    },
    async write(envelope) {
      await writeDurably(file, `${JSON.stringify(envelope, null, 1)}\n`);
    },
  };
}

function parseEnvelope<T>(file: string, text: string): Envelope<T> {
  if (text.trim() === "") throw tierliftError("STORE_DAMAGED", { file, problem: "it is empty" });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw tierliftError("STORE_DAMAGED", { file, problem: "it is not JSON, or cut off" }, { cause });
  }
  if (typeof value !== "object" || value === null || !("schemaVersion" in value) || !("document" in value)) {
    throw tierliftError("STORE_DAMAGED", { file, problem: "it holds no document" });
  }
  if (value.schemaVersion !== SCHEMA_VERSION) {
    const found = JSON.stringify(value.schemaVersion);
    throw tierliftError("STORE_VERSION", { file, found, known: SCHEMA_VERSION });
  }
  return value as Envelope<T>;
}

async function writeDurably(file: string, text: string): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.tmp`);
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

/** A rename and a new file's name are durable only once the folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
