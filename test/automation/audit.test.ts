import { expect, test } from "vitest";
import { createEntry, FIRST_DIGEST, verifyTrail } from "../../automation/audit.ts";
import type { AuditEntry } from "../../automation/model.ts";

function trail(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let index = 0; index < length; index += 1) {
    entries.push(
      createEntry(entries.at(-1), {
        subject: "job",
        tenantId: "tenant",
        at: `2026-01-01T00:00:0${index}.000Z`,
        actor: "someone",
        roles: ["ADMIN"],
        action: "retry",
        from: "FAILED",
        to: "PROVISIONING",
        reason: index % 2 === 0 ? null : "again",
      }),
    );
  }
  return entries;
}

test("a trail begins with zeros and each entry holds the digest of the one before", () => {
  const entries = trail(3);
  expect(entries.map(({ previous }) => previous)).toEqual([
    FIRST_DIGEST,
    entries[0]?.digest,
    entries[1]?.digest,
  ]);
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(verifyTrail(entries, entries.at(-1))).toEqual({ valid: true });
});

test("a trail read from a file with its fields in another order is still valid", () => {
  const turned = trail(3).map(
    (entry) => Object.fromEntries(Object.entries(entry).reverse()) as unknown as AuditEntry,
  );
  expect(verifyTrail(turned)).toEqual({ valid: true });
});

test.each(["actor", "at", "action", "from", "to", "reason", "subject", "tenantId"] as const)(
  "a changed %s is found",
  (field) => {
    const entries = trail(4);
    entries[1] = { ...(entries[1] as AuditEntry), [field]: "other" };
    expect(verifyTrail(entries)).toMatchObject({ valid: false, seq: 2 });
  },
);

test("a missing, an exchanged and a cut off entry are found", () => {
  const entries = trail(4);
  const [first, second, third, last] = entries as [AuditEntry, AuditEntry, AuditEntry, AuditEntry];
  expect(verifyTrail([first, third, last])).toMatchObject({ valid: false, seq: 2 });
  expect(verifyTrail([second, first, third, last])).toMatchObject({ valid: false, seq: 1 });
  expect(verifyTrail([first, second, third], last)).toMatchObject({ valid: false, seq: 4 });
});
