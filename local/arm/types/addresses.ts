/** IPv4 ranges and the pool of public addresses. */
import { createHash } from "node:crypto";
import { stringAt } from "../http.ts";
import type { ResourceView } from "../backend.ts";

export interface Ipv4Range {
  first: number;
  last: number;
}

/** `10.0.0.0/16` as numbers, `undefined` for anything else (IPv6 too). */
export function parseRange(text: string): Ipv4Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number);
  if ([a, b, c, d].some((byte) => byte > 255) || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  const first = Math.floor((a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / size) * size;
  return { first, last: first + size - 1 };
}

export const isWithin = (inner: Ipv4Range, outer: Ipv4Range): boolean =>
  inner.first >= outer.first && inner.last <= outer.last;

export const overlaps = (a: Ipv4Range, b: Ipv4Range): boolean => a.first <= b.last && b.first <= a.last;

/** Dotted form of an address. */
export const formatAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");

/** Reserved for benchmarks (RFC 2544): routed nowhere, so a stray packet leaves no machine. */
const publicRange = parseRange("198.18.0.0/15") as Ipv4Range;

/**
 * A public address that no stored public IP holds. It starts from the id's hash, so that an address given back is
 * rarely the next one handed out: a record left pointing at it would otherwise seem to work.
 */
export function freePublicAddress(view: ResourceView, id: string): string {
  const taken = new Set(
    view.list("Microsoft.Network/publicIPAddresses").map((one) => stringAt(one.body, "properties.ipAddress")),
  );
  const size = publicRange.last - publicRange.first - 1;
  const start = createHash("sha256").update(`${id} ${Date.now()}`).digest().readUInt32BE(0);
  for (let step = 0; step < size; step++) {
    const address = formatAddress(publicRange.first + 1 + ((start + step) % size));
    if (!taken.has(address) && !address.endsWith(".0") && !address.endsWith(".255")) return address;
  }
  throw new Error("no public address is left in 198.18.0.0/15");
}
