/** The trail of state changes: entries that each hold the digest of the one before, so that none can be changed unseen. */
import { createHash } from "node:crypto";
import type { Actor, AuditEntry } from "./model.ts";

export const FIRST_DIGEST = "0".repeat(64);

/** The service itself, where no person asked. */
export const SYSTEM: Actor = { subject: "system", roles: [] };

export type AuditFacts = Omit<AuditEntry, "seq" | "previous" | "digest">;

/** The entry that follows `last`, which is undefined for a subject's first. */
export function createEntry(last: AuditEntry | undefined, facts: AuditFacts): AuditEntry {
  const entry = { seq: (last?.seq ?? 0) + 1, ...facts, previous: last?.digest ?? FIRST_DIGEST };
  return { ...entry, digest: digestOf(entry) };
}

export type AuditVerdict = { valid: true } | { valid: false; seq: number; problem: string };

/**
 * Checks a subject's whole trail. `head` is the last entry the subject's document knows: with it a trail whose end
 * was cut off is found out too.
 */
export function verifyTrail(entries: readonly AuditEntry[], head?: AuditEntry): AuditVerdict {
  let last: AuditEntry | undefined;
  for (const entry of entries) {
    const seq = (last?.seq ?? 0) + 1;
    if (entry.seq !== seq)
      return { valid: false, seq, problem: `the entry is missing; ${entry.seq} follows` };
    if (entry.previous !== (last?.digest ?? FIRST_DIGEST)) {
      return { valid: false, seq, problem: "it does not follow the entry before it" };
    }
    if (entry.digest !== digestOf(entry)) return { valid: false, seq, problem: "it was changed" };
    last = entry;
  }
  if (head !== undefined && head.digest !== last?.digest) {
    return {
      valid: false,
      seq: head.seq,
      problem: "the trail does not end where its subject's last change is",
    };
  }
  return { valid: true };
}

function digestOf(entry: Omit<AuditEntry, "digest">): string {
  // The order of the fields is fixed here: it must not depend on how an entry was read.
  const { seq, subject, tenantId, at, actor, roles, action, from, to, reason, previous } = entry;
  const content = JSON.stringify([
    seq,
    subject,
    tenantId,
    at,
    actor,
    roles,
    action,
    from,
    to,
    reason,
    previous,
  ]);
  return createHash("sha256").update(content).digest("hex");
}
