/** The tenant's blobs of one side and of both, in the order of their names and never all at once in memory. */
import type { BlobGetPropertiesResponse, BlobHTTPHeaders, BlobItem } from "@azure/storage-blob";
import { call, isStatus } from "./account.ts";
import type { BlobContext, Side } from "./account.ts";
import { MARK, parseMark } from "./mark.ts";

const PAGE = 1000;

export interface Blob {
  /** Without the side's prefix. */
  name: string;
  etag: string;
  /** By the service's clock, in whole seconds. */
  changedAt: Date;
  bytes: number;
  /** Base64, as far as the service knows it: blobs that were made of blocks may have none. */
  md5?: string;
  /** Content type, encoding, language, disposition and caching; not the MD5. */
  headers: BlobHTTPHeaders;
  /** The tenant's own: without the mark. */
  metadata: Record<string, string>;
  /** Only of a copy that is as the mover has left it: the ETag of the state that it was made of on the other side. */
  mark?: string;
  /** `BlockBlob`, `AppendBlob`, `PageBlob`. */
  kind: string;
}

/** `onBegin` is told the service's own time at which the listing began. */
export async function* listBlobs(
  context: Pick<BlobContext, "signal">,
  side: Side,
  onBegin?: (serviceTime: Date) => void,
): AsyncGenerator<Blob> {
  const place = { side: side.name };
  let begin = onBegin;
  let continuationToken: string | undefined;
  do {
    const page = await call(context, place, async (abortSignal) => {
      const options = { prefix: side.prefix, includeMetadata: true, abortSignal };
      const pages = side.client.listBlobsFlat(options).byPage({
        maxPageSize: PAGE,
        ...(continuationToken && { continuationToken }),
      });
      for await (const first of pages) return first;
      return undefined;
    });
    if (page?.date) begin?.(page.date);
    begin = undefined;
    for (const item of page?.segment.blobItems ?? []) yield parseItem(item, side.prefix);
    continuationToken = page?.continuationToken;
  } while (continuationToken);
}

function parseItem({ name, metadata = {}, properties }: BlobItem, prefix: string): Blob {
  return parseBlob(name.slice(prefix.length), metadata, properties);
}

/** One blob as it is now; undefined where there is none. */
export async function readBlob(
  context: Pick<BlobContext, "signal">,
  { name: side, client, prefix }: Side,
  name: string,
): Promise<Blob | undefined> {
  try {
    const found = await call(context, { side, blob: name }, (abortSignal) =>
      client.getBlobClient(prefix + name).getProperties({ abortSignal }),
    );
    return parseBlob(name, found.metadata ?? {}, found);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

type Properties = BlobItem["properties"] | BlobGetPropertiesResponse;

function parseBlob(name: string, metadata: Record<string, string>, properties: Properties): Blob {
  const { [MARK]: marked, ...own } = metadata;
  const { etag, lastModified, contentLength = 0, contentMD5, blobType = "BlockBlob" } = properties;
  const content = {
    ...(contentMD5 && contentMD5.length > 0 ? { md5: Buffer.from(contentMD5).toString("base64") } : {}),
    headers: parseHeaders(properties),
    metadata: own,
  };
  const mark = parseMark(marked, content);
  return {
    name,
    // Listings give it without quotes, properties with them.
    etag: (etag ?? "").replaceAll('"', ""),
    changedAt: lastModified ?? new Date(0),
    bytes: contentLength,
    ...content,
    ...(mark === undefined ? {} : { mark }),
    kind: blobType,
  };
}

function parseHeaders(properties: Properties): BlobHTTPHeaders {
  const { contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl } = properties;
  return {
    ...(contentType && { blobContentType: contentType }),
    ...(contentEncoding && { blobContentEncoding: contentEncoding }),
    ...(contentLanguage && { blobContentLanguage: contentLanguage }),
    ...(contentDisposition && { blobContentDisposition: contentDisposition }),
    ...(cacheControl && { blobCacheControl: cacheControl }),
  };
}

export interface Pair {
  name: string;
  source?: Blob;
  target?: Blob;
}

/** A blob as both sides have it now. */
export async function readPair(context: BlobContext, name: string): Promise<Pair> {
  const [source, target] = await Promise.all([
    readBlob(context, context.source, name),
    readBlob(context, context.target(), name),
  ]);
  return { name, ...(source && { source }), ...(target && { target }) };
}

/**
 * Both sides' blobs by name, merged from their sorted listings. Where the two were sorted differently a blob can come as
 * two halves: who deletes or reports for want of the other half asks for it first.
 */
export async function* pairBlobs(
  sources: AsyncGenerator<Blob>,
  targets: AsyncGenerator<Blob>,
): AsyncGenerator<Pair> {
  let [source, target] = [await nextOf(sources), await nextOf(targets)];
  while (source ?? target) {
    if (source && target && source.name === target.name) {
      yield { name: source.name, source, target };
      [source, target] = [await nextOf(sources), await nextOf(targets)];
    } else if (source && (!target || source.name < target.name)) {
      yield { name: source.name, source };
      source = await nextOf(sources);
    } else if (target) {
      yield { name: target.name, target };
      target = await nextOf(targets);
    }
  }
}

async function nextOf(blobs: AsyncGenerator<Blob>): Promise<Blob | undefined> {
  const next = await blobs.next();
  return next.done === true ? undefined : next.value;
}
