import { createHash } from "node:crypto";

/** The same UUID for the same text always (version 8 of RFC 9562: by a rule of our own). */
export function stableUuid(of: string): string {
  const hex = createHash("sha256").update(of.toLowerCase()).digest("hex");
  const variant = ((parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** A folder name for a resource: readable, and unique although names are only unique within a group. */
export function resourceKey(name: string, id: string): string {
  return `${name.toLowerCase().replace(/[^a-z0-9-]/g, "-")}-${createHash("sha256").update(id.toLowerCase()).digest("hex").slice(0, 8)}`;
}
