/**
 * The messages of PostgreSQL's `pgoutput` plugin, protocol version 1, with values as text
 * (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html).
 */

/** A value as text, `null`, or `undefined`: a large value that the change left as it was, and the message left out. */
export type Value = string | null | undefined;

export interface Relation {
  id: number;
  schema: string;
  table: string;
  /** `key`: the column belongs to the replica identity. */
  columns: { name: string; key: boolean }[];
}

export type Message =
  | { kind: "begin"; commitLsn: bigint }
  | { kind: "commit"; endLsn: bigint }
  | { kind: "relation"; relation: Relation }
  | { kind: "insert"; relationId: number; row: Value[] }
  /** `old` is the whole old row with `wholeOld`, else its key; absent when the key did not change. */
  | { kind: "update"; relationId: number; old: Value[] | null; wholeOld: boolean; row: Value[] }
  | { kind: "delete"; relationId: number; old: Value[]; wholeOld: boolean }
  | { kind: "truncate"; relationIds: number[] }
  | { kind: "other" };

/** Throws a `RangeError` for a message that is cut off. */
export function parseMessage(data: Buffer): Message {
  const reader = createReader(data);
  switch (reader.letter()) {
    case "B":
      return { kind: "begin", commitLsn: reader.int64() };
    case "C":
      reader.skip(1 + 8);
      return { kind: "commit", endLsn: reader.int64() };
    case "R":
      return { kind: "relation", relation: readRelation(reader) };
    case "I": {
      const relationId = reader.int32();
      reader.skip(1);
      return { kind: "insert", relationId, row: readTuple(reader) };
    }
    case "U":
      return readUpdate(reader);
    case "D": {
      const relationId = reader.int32();
      const wholeOld = reader.letter() === "O";
      return { kind: "delete", relationId, wholeOld, old: readTuple(reader) };
    }
    case "T": {
      const count = reader.int32();
      reader.skip(1);
      return { kind: "truncate", relationIds: Array.from({ length: count }, () => reader.int32()) };
    }
    default:
      return { kind: "other" };
  }
}

type Reader = ReturnType<typeof createReader>;

function createReader(data: Buffer) {
  let at = 0;
  const take = (bytes: number): number => {
    at += bytes;
    return at - bytes;
  };
  return {
    letter: () => String.fromCharCode(data.readUInt8(take(1))),
    int16: () => data.readUInt16BE(take(2)),
    int32: () => data.readUInt32BE(take(4)),
    int64: () => data.readBigUInt64BE(take(8)),
    skip: (bytes: number) => void take(bytes),
    bytes(length: number): string {
      const start = take(length);
      if (at > data.length) throw new RangeError("the message is cut off");
      return data.toString("utf8", start, at);
    },
    cString(): string {
      const end = data.indexOf(0, at);
      if (end < 0) throw new RangeError("the message is cut off");
      const text = data.toString("utf8", at, end);
      at = end + 1;
      return text;
    },
  };
}

function readRelation(reader: Reader): Relation {
  const id = reader.int32();
  const schema = reader.cString();
  const table = reader.cString();
  reader.skip(1);
  const columns = Array.from({ length: reader.int16() }, () => {
    const key = (reader.letter().charCodeAt(0) & 1) === 1;
    const name = reader.cString();
    reader.skip(4 + 4);
    return { name, key };
  });
  return { id, schema, table, columns };
}

function readUpdate(reader: Reader): Message {
  const relationId = reader.int32();
  const part = reader.letter();
  if (part === "N") return { kind: "update", relationId, old: null, wholeOld: false, row: readTuple(reader) };
  const old = readTuple(reader);
  reader.skip(1);
  return { kind: "update", relationId, old, wholeOld: part === "O", row: readTuple(reader) };
}

function readTuple(reader: Reader): Value[] {
  return Array.from({ length: reader.int16() }, () => {
    switch (reader.letter()) {
      case "n":
        return null;
      case "u":
        return undefined;
      default:
        return reader.bytes(reader.int32());
    }
  });
}

/** `16/B374D848` as a number that can be compared. */
export function parseLsn(text: string): bigint {
  const [high = "0", low = "0"] = text.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}
