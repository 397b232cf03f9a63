/** Records as they lie in a partition, and whose they are. */
import { createHash } from "node:crypto";

export interface KafkaRecord {
  offset: bigint;
  /** Milliseconds since 1970. */
  timestamp: bigint;
  key: Buffer | null;
  /** Null is a tombstone: it deletes the key from a compacted topic. */
  value: Buffer | null;
  headers: [Buffer | null, Buffer | null][];
}

const COLON = ":".charCodeAt(0);
/** Lengths, deltas and attributes of a record at their longest. */
const RECORD_OVERHEAD = 40;

/** In common topics a record is the tenant's when its key is the tenant's id, or begins with it and a colon. */
export function createOwnership(tenantId: string): (record: KafkaRecord) => boolean {
  const id = Buffer.from(tenantId);
  return ({ key }) =>
    key !== null &&
    key.length >= id.length &&
    (key.length === id.length || key[id.length] === COLON) &&
    key.compare(id, 0, id.length, 0, id.length) === 0;
}

const TENANT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:|$)/i;
const ID_LENGTH = 36;

/** Whether a record's key says of some tenant that the record is its. */
export function isNamed({ key }: KafkaRecord): boolean {
  return key !== null && TENANT_ID.test(key.toString("latin1", 0, ID_LENGTH + 1));
}

/** Bytes that a record takes in a batch, at most. */
export function sizeOf({ key, value, headers }: KafkaRecord): number {
  const own = (key?.length ?? 0) + (value?.length ?? 0);
  return headers.reduce(
    (sum, [name, content]) => sum + (name?.length ?? 0) + (content?.length ?? 0) + 10,
    own + RECORD_OVERHEAD,
  );
}

/** SHA-256 over key, value, headers in their order, and timestamp: two records with the same digest are the same. */
export function digestOf({ key, value, headers, timestamp }: KafkaRecord): Buffer {
  const hash = createHash("sha256");
  const lengths = Buffer.allocUnsafe(20 + 8 * headers.length);
  lengths.writeBigInt64BE(timestamp, 0);
  lengths.writeInt32BE(key?.length ?? -1, 8);
  lengths.writeInt32BE(value?.length ?? -1, 12);
  lengths.writeInt32BE(headers.length, 16);
  headers.forEach(([name, content], index) => {
    lengths.writeInt32BE(name?.length ?? -1, 20 + 8 * index);
    lengths.writeInt32BE(content?.length ?? -1, 24 + 8 * index);
  });
  hash.update(lengths);
  if (key) hash.update(key);
  if (value) hash.update(value);
  for (const [name, content] of headers) {
    if (name) hash.update(name);
    if (content) hash.update(content);
  }
  return hash.digest();
}
