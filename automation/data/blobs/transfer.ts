/** One blob from the shared account to the tenant's own: bytes, headers and metadata, with its MD5 on the way. */
import { createHash } from "node:crypto";
import type { BlobRequestConditions } from "@azure/storage-blob";
import { DataError } from "../errors.ts";
import { call, isStatus } from "./account.ts";
import type { BlobContext, Side } from "./account.ts";
import { MARK, readBlob } from "./listing.ts";
import type { Blob } from "./listing.ts";

/** A blob of at most this size goes in one request; a larger one in blocks of it, of which one is in memory. */
const BLOCK_BYTES = 2 * 1024 * 1024;
/** Azure's limit for a blob (learn.microsoft.com, blobs/scalability-targets). */
const MOST_BLOCKS = 50_000;
/** How often a blob may change while it is read before that is a failure. */
const TRIES = 5;

/** Where a copy goes, when that is not the blob's own name, and what has to be there until then. */
export interface Destination {
  name?: string;
  /** The ETag of the blob that may be replaced, or `nothing`; without it whatever is there is replaced. */
  replaces?: string;
}
export const NOTHING = "nothing";

/**
 * Answers the bytes copied, or undefined where the blob is gone. The copy gets the MD5 of the bytes that were read and
 * the mark of the state they were read from; the service checks each block as it arrives.
 */
export async function transferBlob(
  context: BlobContext,
  blob: Blob,
  to: Destination = {},
): Promise<number | undefined> {
  let now: Blob | undefined = blob;
  for (let attempt = 1; now; attempt += 1) {
    requireBlocks(now);
    try {
      await write(context, now, to);
      return now.bytes;
    } catch (error) {
      // Changed or deleted while it was read: once more, from what it is now.
      const isStale = isStatus(error, 412, "source") || isStatus(error, 404, "source");
      if (!isStale || attempt === TRIES) throw error;
      now = await readBlob(context, context.source, blob.name);
    }
  }
  return undefined;
}

/** Pages and appends have clients that count on them: a copy as blocks would not do. */
function requireBlocks({ kind, name }: Blob): void {
  if (kind === "BlockBlob") return;
  throw new DataError("REFUSED", `is of type ${kind}, of which no copy is made`, {
    side: "source",
    blob: name,
  });
}

async function write(context: BlobContext, blob: Blob, to: Destination): Promise<void> {
  const { name = blob.name, replaces } = to;
  const client = context.target().client.getBlockBlobClient(name);
  const place = { side: "target", blob: name } as const;
  const hash = createHash("md5");
  const ids: string[] = [];
  let whole = Buffer.alloc(0);
  for await (const block of readBlocks(context, context.source, blob)) {
    hash.update(block);
    if (block.length === blob.bytes) {
      whole = block;
      continue;
    }
    const id = planBlockId(ids.length);
    const transactionalContentMD5 = createHash("md5").update(block).digest();
    await call(context, place, (abortSignal) =>
      client.stageBlock(id, block, block.length, { transactionalContentMD5, abortSignal }),
    );
    ids.push(id);
  }
  const md5 = hash.digest();
  requireSame(blob, md5);
  const options = {
    blobHTTPHeaders: { ...blob.headers, blobContentMD5: md5 },
    metadata: { ...blob.metadata, [MARK]: blob.etag },
    conditions: planConditions(replaces),
  };
  await call(context, place, (abortSignal) =>
    ids.length > 0
      ? client.commitBlockList(ids, { ...options, abortSignal })
      : client.upload(whole, whole.length, { ...options, abortSignal }),
  );
}

/**
 * The bytes of one state of a blob: fails with 412 when the blob has another one by now. Each block is there until the
 * next is asked for, which takes its place in memory.
 */
async function* readBlocks(
  context: Pick<BlobContext, "signal">,
  { name: side, client, prefix }: Side,
  { name, bytes, etag }: Blob,
): AsyncGenerator<Buffer<ArrayBuffer>> {
  const source = client.getBlobClient(prefix + name);
  const most = Math.max(BLOCK_BYTES, Math.ceil(bytes / MOST_BLOCKS));
  const memory = Buffer.alloc(Math.min(most, bytes));
  for (let offset = 0; offset < bytes; offset += most) {
    const count = Math.min(most, bytes - offset);
    const block = memory.subarray(0, count);
    await call(context, { side, blob: name }, (abortSignal) =>
      source.downloadToBuffer(block, offset, count, {
        conditions: { ifMatch: `"${etag}"` },
        blockSize: count,
        abortSignal,
      }),
    );
    yield block;
  }
}

function planConditions(replaces: string | undefined): BlobRequestConditions {
  if (replaces === undefined) return {};
  return replaces === NOTHING ? { ifNoneMatch: "*" } : { ifMatch: `"${replaces}"` };
}

/** All ids of a blob have the same length. */
function planBlockId(index: number): string {
  return Buffer.from(String(index).padStart(6, "0")).toString("base64");
}

function requireSame({ name, md5 }: Blob, read: Buffer): void {
  const found = read.toString("base64");
  if (md5 === undefined || md5 === found) return;
  throw new DataError("MISMATCH", `the bytes read have the MD5 ${found}, the service says ${md5}`, {
    side: "source",
    blob: name,
  });
}

/** Base64, from the bytes themselves. */
export async function readMd5(context: Pick<BlobContext, "signal">, side: Side, blob: Blob): Promise<string> {
  const hash = createHash("md5");
  for await (const block of readBlocks(context, side, blob)) hash.update(block);
  return hash.digest("base64");
}
