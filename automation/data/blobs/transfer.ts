/** One blob from one account to the other: bytes, headers and metadata, with its MD5 on the way. */
import { createHash } from "node:crypto";
import type { BlobRequestConditions } from "@azure/storage-blob";
import { DataError } from "../errors.ts";
import { call, isStatus } from "./account.ts";
import type { BlobContext, Side, Way } from "./account.ts";
import { readBlob } from "./listing.ts";
import type { Blob } from "./listing.ts";
import { MARK, planMark } from "./mark.ts";

/** A blob of at most this size goes in one request; a larger one in blocks of it, of which one is in memory. */
const BLOCK_BYTES = 2 * 1024 * 1024;
/** Azure's limit for a blob (learn.microsoft.com, blobs/scalability-targets). */
const MOST_BLOCKS = 50_000;
/** Of a block's id, where nobody has made one yet. */
const ID_BYTES = 6;
/** How often a blob may change while it is read before that is a failure. */
const TRIES = 5;

/** Where a copy goes, when that is not the blob's own name, and what has to be there until then. */
export interface Destination {
  name?: string;
  /** The ETag of the blob that may be replaced, or `nothing`; without it whatever is there is replaced. */
  replaces?: string;
  /** False for what is the tenant's own from now on. */
  isMarked?: boolean;
}
export const NOTHING = "nothing";

/**
 * Answers the bytes copied, or undefined where the blob is gone. The copy gets the MD5 of the bytes that were read and
 * the mark of the state they were read from; the service checks each block as it arrives.
 */
export async function transferBlob(
  context: Pick<BlobContext, "signal">,
  way: Way,
  blob: Blob,
  to: Destination = {},
): Promise<number | undefined> {
  const { name = blob.name } = to;
  let now: Blob | undefined = blob;
  for (let attempt = 1; now; attempt += 1) {
    requireBlocks(way.from, now);
    let staged: Staged;
    try {
      staged = await stage(context, way, now, name);
    } catch (error) {
      // Changed or deleted while it was read: once more, from what it is now.
      const isStale = isStatus(error, 412, way.from.name) || isStatus(error, 404, way.from.name);
      if (!isStale || attempt === TRIES) throw error;
      now = await readBlob(context, way.from, blob.name);
      continue;
    }
    await commit(context, way.to, now, staged, { ...to, name });
    return now.bytes;
  }
  return undefined;
}

/** Pages and appends have clients that count on them: a copy as blocks would not do. */
function requireBlocks({ name: side }: Side, { kind, name }: Blob): void {
  if (kind === "BlockBlob") return;
  throw new DataError("REFUSED", `is of type ${kind}, of which no copy is made`, { side, blob: name });
}

/** What was read of a blob: in blocks that wait under their ids, or whole. */
interface Staged {
  ids: string[];
  whole: Buffer;
  md5: Buffer;
}

async function stage(
  context: Pick<BlobContext, "signal">,
  { from, to }: Way,
  blob: Blob,
  name: string,
): Promise<Staged> {
  const client = to.client.getBlockBlobClient(to.prefix + name);
  const place = { side: to.name, blob: name };
  const hash = createHash("md5");
  const staged = { ids: [] as string[], whole: Buffer.alloc(0) };
  let idBytes: number | undefined;
  for await (const block of readBlocks(context, from, blob)) {
    hash.update(block);
    if (block.length === blob.bytes) {
      staged.whole = block;
      continue;
    }
    idBytes ??= await findIdBytes(context, to, name);
    const id = planBlockId(staged.ids.length, idBytes);
    const transactionalContentMD5 = createHash("md5").update(block).digest();
    await call(context, place, (abortSignal) =>
      client.stageBlock(id, block, block.length, { transactionalContentMD5, abortSignal }),
    );
    staged.ids.push(id);
  }
  const md5 = hash.digest();
  requireSame(from, blob, md5);
  return { ...staged, md5 };
}

async function commit(
  context: Pick<BlobContext, "signal">,
  { name: side, client: container, prefix }: Side,
  blob: Blob,
  { ids, whole, md5 }: Staged,
  { name, replaces, isMarked = true }: Destination & { name: string },
): Promise<void> {
  const client = container.getBlockBlobClient(prefix + name);
  const mark = planMark(blob.etag, { ...blob, md5: md5.toString("base64") });
  const options = {
    blobHTTPHeaders: { ...blob.headers, blobContentMD5: md5 },
    metadata: { ...blob.metadata, ...(isMarked && { [MARK]: mark }) },
    conditions: planConditions(replaces),
  };
  await call(context, { side, blob: name }, (abortSignal) =>
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

/** All ids of a blob have to have the same length, also beside blocks that somebody else has left there. */
async function findIdBytes(
  context: Pick<BlobContext, "signal">,
  { name: side, client, prefix }: Side,
  name: string,
): Promise<number> {
  const found = await call(context, { side, blob: name }, async (abortSignal) => {
    try {
      return await client.getBlockBlobClient(prefix + name).getBlockList("all", { abortSignal });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  });
  const [block] = [...(found?.uncommittedBlocks ?? []), ...(found?.committedBlocks ?? [])];
  return block ? Buffer.from(block.name, "base64").length : ID_BYTES;
}

function planBlockId(index: number, idBytes: number): string {
  const id = Buffer.alloc(idBytes);
  const counted = Math.min(idBytes, 6);
  id.writeUIntBE(index, idBytes - counted, counted);
  return id.toString("base64");
}

function requireSame({ name: side }: Side, { name, md5 }: Blob, read: Buffer): void {
  const found = read.toString("base64");
  if (md5 === undefined || md5 === found) return;
  throw new DataError("MISMATCH", `the bytes read have the MD5 ${found}, the service says ${md5}`, {
    side,
    blob: name,
  });
}

/** Base64, from the bytes themselves. */
export async function readMd5(context: Pick<BlobContext, "signal">, side: Side, blob: Blob): Promise<string> {
  const hash = createHash("md5");
  for await (const block of readBlocks(context, side, blob)) hash.update(block);
  return hash.digest("base64");
}
