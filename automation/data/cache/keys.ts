/** The tenant's keys, a few at a time, in portions that fit into memory. */
import { ErrorReply } from "@redis/client";
import type { Answer, CacheContext, Side } from "./connection.ts";

/** Slots that one SCAN looks at; it holds up the server for 0.9 ms (measured, Redis 7.0). */
const SCAN_COUNT = 1000;
/** Which costs the server as much as reading that many keys (measured). */
const SCAN_COST = 170;
/** Of a question by name, in keys read. */
export const EXISTS_COST = 0.2;
/** In one pipeline: it holds up the server for about 1 ms. */
const PORTION_KEYS = 256;
/** Of values, by the server's own estimate; a single larger one is a portion by itself. */
const PORTION_BYTES = 8 * 1024 * 1024;
/** A value is in memory twice on its way. */
export const LARGEST_BYTES = 64 * 1024 * 1024;

/**
 * Names of the tenant's keys on one side. SCAN gives every key that is there all the time, one that moves while the
 * server grows its table perhaps twice.
 */
export async function* scanKeys(
  { prefix, pace, signal }: Pick<CacheContext, "prefix" | "pace" | "signal">,
  side: Side,
): AsyncGenerator<Buffer[]> {
  // No character of a slug means anything in a pattern.
  const pattern = `${prefix.toString()}*`;
  let cursor = "0";
  do {
    signal.throwIfAborted();
    if (side.name === "source") await pace.take(SCAN_COST);
    const answer = await side.send(["SCAN", cursor, "MATCH", pattern, "COUNT", String(SCAN_COUNT)]);
    const [next, found] = answer as [Buffer, Buffer[]];
    cursor = next.toString();
    const keys = found.filter((key) => key.subarray(0, prefix.length).equals(prefix));
    for (let at = 0; at < keys.length; at += PORTION_KEYS) yield keys.slice(at, at + PORTION_KEYS);
  } while (cursor !== "0");
}

export interface Portions {
  /** Keys whose values are read together. */
  portions: Buffer[][];
  tooLarge: Buffer[];
}

/** Keys in portions by what their values take; a key that is gone meanwhile is in one, too. */
export async function planPortions(source: Side, keys: Buffer[]): Promise<Portions> {
  const sizes = await source.pipeline(keys.map((key) => ["MEMORY", "USAGE", key]));
  const planned: Portions = { portions: [], tooLarge: [] };
  let room = 0;
  keys.forEach((key, index) => {
    const size = sizes[index];
    // Where the server does not tell, each is read by itself.
    const bytes = size instanceof ErrorReply ? PORTION_BYTES : Number(size ?? 0);
    if (bytes > LARGEST_BYTES) return planned.tooLarge.push(key);
    const last = planned.portions.at(-1);
    if (last && bytes <= room) last.push(key);
    else {
      planned.portions.push([key]);
      room = PORTION_BYTES;
    }
    room -= bytes;
    return undefined;
  });
  return planned;
}

/** A key as it was at one moment; undefined for one that is not there. */
export interface Entry {
  key: Buffer;
  /** As the servers write values for each other. */
  dump: Buffer;
  /** Milliseconds that were left, at the latest when it was asked for; undefined for one that stays. */
  leftMs: number | undefined;
  /** Of `performance.now()`, before it was asked for. */
  askedMs: number;
}

/** Values and times to live, in the order of the keys; a refusal is answered in a key's place. */
export async function readEntries(side: Side, keys: Buffer[]): Promise<(Entry | ErrorReply | undefined)[]> {
  const askedMs = performance.now();
  const answers = await side.pipeline(
    keys.flatMap((key) => [
      ["PTTL", key],
      ["DUMP", key],
    ]),
  );
  return keys.map((key, index) => {
    const [left, dump] = [answers[2 * index], answers[2 * index + 1]];
    for (const answer of [left, dump]) if (answer instanceof ErrorReply) return answer;
    if (!Buffer.isBuffer(dump)) return undefined;
    return { key, dump, leftMs: planLeft(left as Answer), askedMs };
  });
}

/** −1 for a key that does not end; one that ended between the two questions has no dump. */
const planLeft = (left: Answer): number | undefined => (Number(left) < 0 ? undefined : Number(left));
