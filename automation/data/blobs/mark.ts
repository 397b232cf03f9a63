/**
 * What the mover writes into the metadata of a copy: the ETag of the state that it was made of, and a digest of what it
 * has made. With it a later run knows, without reading either side, whether the original has changed since, and whether
 * the copy is still the mover's: who changes headers or metadata only keeps the mark, and not what the digest is of.
 */
import { createHash } from "node:crypto";
import type { Blob } from "./listing.ts";

export const MARK = "tierlift_source";
/** Not in any ETag. */
const SEPARATOR = ".";
/** Hexadecimal digits, of SHA-256. */
const DIGEST_LENGTH = 32;
/** What the service takes a blob for that nobody has named a type of. */
const DEFAULT_TYPE = "application/octet-stream";

type Content = Pick<Blob, "md5" | "headers" | "metadata">;

export function planMark(etag: string, copy: Content): string {
  return `${etag}${SEPARATOR}${digestOf(copy)}`;
}

/** The ETag in a mark; undefined where there is none, or somebody else has changed the blob under it. */
export function parseMark(text: string | undefined, found: Content): string | undefined {
  const [etag, digest] = text?.split(SEPARATOR) ?? [];
  return digest === digestOf(found) ? etag : undefined;
}

function digestOf({ md5, headers, metadata }: Content): string {
  const named = { blobContentType: DEFAULT_TYPE, ...headers };
  const content = JSON.stringify([md5 ?? "", sort(Object.entries(named)), sort(Object.entries(metadata))]);
  return createHash("sha256").update(content).digest("hex").slice(0, DIGEST_LENGTH);
}

/** Names of metadata come in lower case with a blob's properties, and as they were written in listings. */
function sort(entries: [string, unknown][]): string[] {
  return entries.map(([name, value]) => `${name.toLowerCase()}=${String(value).trim()}`).sort();
}
