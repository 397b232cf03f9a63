/** Append-only JSON lines. Many appends at once share one write and one fsync. */
import { open, readFile, truncate } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tierliftError } from "../errors.ts";
import { syncFolder } from "./document-file.ts";
import type { Logs } from "./store.ts";

/** Told when a crash left half a line, which was cut off: the entry it began was never confirmed to anyone. */
export type OnCut = (file: string, cutBytes: number) => void;

interface LogFile<T> {
  append(entries: T[]): Promise<void>;
  read(): Promise<T[]>;
  last(): Promise<T | undefined>;
  close(): Promise<void>;
}

/** Logs in `<folder>/<key>.jsonl`, each opened when it is first used. */
export function fileLogs<T>(folder: string, onCut: OnCut): Logs<T> & { close(): Promise<void> } {
  const files = new Map<string, Promise<LogFile<T>>>();
  let closed = false;

  function fileOf(key: string): Promise<LogFile<T>> {
    if (closed) return Promise.reject(tierliftError("STORE_CLOSED", {}));
    let file = files.get(key);
    if (file === undefined) {
      file = openLog<T>(join(folder, `${key}.jsonl`), onCut);
      // A log that could not be opened (damaged, no space) is tried again at the next use.
      file.catch(() => files.delete(key));
      files.set(key, file);
    }
    return file;
  }

  return {
    append: async (key, entries) => (await fileOf(key)).append(entries),
    read: async (key) => (await fileOf(key)).read(),
    last: async (key) => (await fileOf(key)).last(),
    async close() {
      closed = true;
      for (const opening of files.values()) {
        const file = await opening.catch(() => undefined);
        await file?.close();
      }
    },
  };
}

async function openLog<T>(file: string, onCut: OnCut): Promise<LogFile<T>> {
  let last: T | undefined = await repair<T>(file, onCut);
  const handle = await open(file, "a", 0o600);
  await syncFolder(dirname(file));
  let size = (await handle.stat()).size;
  let waiting: { text: string; settle: (error?: Error) => void }[] = [];
  let flushing: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const text = batch.map((part) => part.text).join("");
    try {
      await appendDurably(handle, file, size, text);
      size += Buffer.byteLength(text);
      for (const { settle } of batch) settle();
    } catch (error) {
      for (const { settle } of batch) settle(error as Error);
    }
  }

  return {
    append: (entries) =>
      new Promise((resolve, reject) => {
        const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
        const settle = (error?: Error): void => {
          if (error !== undefined) return reject(error);
          last = structuredClone(entries).at(-1) ?? last;
          resolve();
        };
        waiting.push({ text, settle });
        flushing = flushing.then(flush);
      }),
    read: async () => {
      await flushing;
      return parseLines<T>(file, await readFile(file, "utf8")).entries;
    },
    last: async () => {
      await flushing;
      return structuredClone(last);
    },
    close: async () => {
      await flushing;
      await handle.close();
    },
  };
}

/** A write that failed half way is taken back, so that the next one does not continue a torn line. */
async function appendDurably(handle: FileHandle, file: string, size: number, text: string): Promise<void> {
  try {
    await handle.appendFile(text);
    await handle.sync();
  } catch (error) {
    await truncate(file, size);
    throw error;
  }
}

async function repair<T>(file: string, onCut: OnCut): Promise<T | undefined> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const { entries, completeBytes } = parseLines<T>(file, text);
  const cutBytes = Buffer.byteLength(text) - completeBytes;
  if (cutBytes > 0) {
    await truncate(file, completeBytes);
    onCut(file, cutBytes);
  }
  return entries.at(-1);
}

/** A last line without its end was cut by a crash; anything else that does not parse is damage. */
function parseLines<T>(file: string, text: string): { entries: T[]; completeBytes: number } {
  const end = text.lastIndexOf("\n") + 1;
  const complete = text.slice(0, end);
  const entries = complete
    .split("\n")
    .slice(0, -1)
    .map((line, index) => {
      try {
        return JSON.parse(line) as T;
      } catch (cause) {
        throw tierliftError("STORE_DAMAGED", { file, problem: `line ${index + 1} is not JSON` }, { cause });
      }
    });
  return { entries, completeBytes: Buffer.byteLength(complete) };
}
