/** A value's digest that two servers agree on, whatever their versions and the order in which they keep its parts. */
import { createHash } from "node:crypto";
import type { Answer, Side } from "./connection.ts";

/** Parts that are read at once. */
const PAGE = 1000;

export const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

/** Read in pages, so that a large value holds up no server; undefined where there is no such key. */
export async function digestValue(side: Side, key: Buffer): Promise<string | undefined> {
  const type = String(await side.send(["TYPE", key]));
  switch (type) {
    case "none":
      return undefined;
    case "string":
      return sha256((await side.send(["GET", key])) as Buffer);
    case "list":
      return sha256((await collect(readList(side, key))).join());
    case "stream":
      return sha256((await collect(readStream(side, key))).join());
    // Unordered, and a part may come twice while the server grows the value's table.
    case "set":
      return digestParts(await collect(scanParts(side, "SSCAN", key, 1)));
    case "hash":
      return digestParts(await collect(scanParts(side, "HSCAN", key, 2)));
    case "zset":
      return digestParts(await collect(scanParts(side, "ZSCAN", key, 2)));
    default:
      throw new Error(`values of type ${type} are not known here`);
  }
}

async function collect(parts: AsyncGenerator<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

const digestParts = (parts: string[]): string => sha256([...new Set(parts)].sort().join());

async function* readList(side: Side, key: Buffer): AsyncGenerator<string> {
  for (let from = 0; ; from += PAGE) {
    const page = (await side.send(["LRANGE", key, String(from), String(from + PAGE - 1)])) as Buffer[];
    yield* page.map(digestPart);
    if (page.length < PAGE) return;
  }
}

/** Its records in order; then where it will go on, and how its groups stand. */
async function* readStream(side: Side, key: Buffer): AsyncGenerator<string> {
  let from = "-";
  for (;;) {
    const page = (await side.send(["XRANGE", key, from, "+", "COUNT", String(PAGE)])) as [Buffer, Answer][];
    yield* page.map(digestPart);
    const last = page.at(-1)?.[0].toString();
    if (page.length < PAGE || last === undefined) break;
    from = `(${last}`;
  }
  yield digestPart(named(await side.send(["XINFO", "STREAM", key]), ["length", "last-generated-id"]));
  const groups = (await side.send(["XINFO", "GROUPS", key])) as Answer[];
  yield* groups.map((group) => digestPart(named(group, ["name", "pending", "last-delivered-id"])));
}

/** Members of a flat list of names and values. */
function named(answer: Answer, names: string[]): Answer {
  const flat = answer as Answer[];
  return names.map(
    (name) => flat[flat.findIndex((one, at) => at % 2 === 0 && String(one) === name) + 1] ?? null,
  );
}

async function* scanParts(side: Side, command: string, key: Buffer, width: number): AsyncGenerator<string> {
  let cursor = "0";
  do {
    const answer = await side.send([command, key, cursor, "COUNT", String(PAGE)]);
    const [next, parts] = answer as [Buffer, Buffer[]];
    cursor = next.toString();
    for (let at = 0; at < parts.length; at += width) yield digestPart(parts.slice(at, at + width));
  } while (cursor !== "0");
}

/** Sixteen bytes of a digest over the part and the lengths of what it is made of. */
function digestPart(part: Answer): string {
  const hash = createHash("sha256");
  const add = (one: Answer): void => {
    if (Array.isArray(one)) {
      hash.update(`[${one.length}]`);
      one.forEach(add);
      return;
    }
    const bytes = Buffer.isBuffer(one) ? one : Buffer.from(String(one));
    hash.update(`${bytes.length}:`).update(bytes);
  };
  add(part);
  return hash.digest("hex").slice(0, 32);
}
