import { expect, test } from "vitest";
import { pairBlobs } from "../../../../automation/data/blobs/listing.ts";
import type { Blob } from "../../../../automation/data/blobs/listing.ts";
import { compareListed } from "../../../../automation/data/blobs/verify.ts";

const blob = (name: string, more: Partial<Blob> = {}): Blob => ({
  name,
  etag: "0x1",
  changedAt: new Date(0),
  bytes: 3,
  md5: "AAAA",
  headers: { blobContentType: "text/plain" },
  metadata: {},
  kind: "BlockBlob",
  ...more,
});

async function* listing(names: string[]): AsyncGenerator<Blob> {
  for (const name of names) yield await Promise.resolve(blob(name));
}

test.each([
  ["the same", ["a", "b"], ["a", "b"], ["a=a", "b=b"]],
  ["only the source", ["a"], [], ["a=-"]],
  ["only the target", [], ["a"], ["-=a"]],
  ["gaps on both", ["a", "c", "d"], ["b", "c", "e"], ["a=-", "-=b", "c=c", "d=-", "-=e"]],
  ["upper case before lower case", ["B", "a"], ["a"], ["B=-", "a=a"]],
  ["other sortings, as halves", ["a", "B"], ["B", "a"], ["-=B", "a=a", "B=-"]],
])("two listings are merged by name: %s", async (_, sources, targets, expected) => {
  const pairs: string[] = [];
  for await (const { source, target } of pairBlobs(listing(sources), listing(targets)))
    pairs.push(`${source?.name ?? "-"}=${target?.name ?? "-"}`);
  expect(pairs).toEqual(expected);
});

test.each([
  ["equal", {}, {}, undefined],
  ["another MD5", {}, { md5: "BBBB" }, /MD5 AAAA of 3 bytes .* BBBB of 3 bytes/],
  ["another length", {}, { bytes: 4 }, /AAAA of 3 bytes .* AAAA of 4 bytes/],
  ["a copy that lost its MD5", {}, { md5: undefined }, /AAAA of 3 bytes .* unknown of 3 bytes/],
  ["another type", {}, { headers: { blobContentType: "text/html" } }, /content type/],
  ["other metadata", {}, { metadata: { owner: "x" } }, /metadata differ/],
  ["a source without MD5, read in this state", { md5: undefined }, { mark: "0x1" }, undefined],
  ["a source without MD5, read in another state", { md5: undefined }, { mark: "0x0" }, /MD5 unknown of 3/],
] as const)("a blob and its copy are compared by what the listings tell: %s", (_, source, target, found) => {
  const difference = compareListed({ source: blob("a", source), target: blob("a", target) });
  if (found === undefined) expect(difference).toBeUndefined();
  else expect(difference).toMatch(found);
});

test.each([
  [{ source: blob("a") }, /missing in the tenant's own/],
  [{ target: blob("a") }, /only in the tenant's own/],
])("a blob without its other half is a difference", (pair, found) => {
  expect(compareListed(pair)).toMatch(found);
});
