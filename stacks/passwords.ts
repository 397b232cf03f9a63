/**
 * Generated passwords are derived from the installation's seed, not drawn: every run of a program has to declare the
 * same value, and nothing but the seed needs to be kept.
 */
import { createHmac } from "node:crypto";

// Safe in URLs, shells and connection strings alike.
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const LENGTH = 32;

/** A tenant's password for one purpose, for example `postgres`. */
export function deriveTenantPassword(seed: string, tenantId: string, purpose: string): string {
  return derivePassword(seed, `tenant/${tenantId}/${purpose}`);
}

/** A password of the platform's own. */
export function derivePlatformPassword(seed: string, purpose: string): string {
  return derivePassword(seed, `platform/${purpose}`);
}

/**
 * 32 characters with an upper-case letter, a lower-case letter and a digit: Azure Database for PostgreSQL wants 8 to
 * 128 characters out of three of the four classes.
 */
function derivePassword(seed: string, purpose: string): string {
  if (seed === "") throw new RangeError("An empty seed would give every installation the same passwords.");
  const digest = createHmac("sha256", seed).update(purpose).digest();
  const letters = [...digest.subarray(0, LENGTH - 3)].map((byte) => ALPHABET[byte % ALPHABET.length]!);
  // The first is a letter, and all three classes are there whatever the digest holds.
  return ["T", ...letters, "x", String((digest[LENGTH - 1]! % 8) + 2)].join("");
}
