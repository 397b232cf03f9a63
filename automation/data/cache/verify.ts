/** `verify`: every key of the tenant's is read on both sides and compared. */
import { ErrorReply } from "@redis/client";
import { describeFailure } from "../errors.ts";
import { secondsSince } from "../progress.ts";
import type { CacheContext, Side } from "./connection.ts";
import { digestValue } from "./digest.ts";
import { EXISTS_COST, planPortions, readEntries, scanKeys } from "./keys.ts";
import type { Entry } from "./keys.ts";
import { printKey } from "./report.ts";
import type { CacheVerifyReport } from "./report.ts";

/** How far apart a key's ends may be: what a move's questions and answers take, and a server's clock is off. */
const TOLERANCE_MS = 5_000;
const SHOWN = 20;

export type Findings = Omit<CacheVerifyReport, "store" | "verb" | "ok" | "seconds">;

export const noFindings = (): Findings => ({
  complete: false,
  verified: 0,
  expired: 0,
  differing: 0,
  differences: [],
});

/** A difference is named with digests of both sides, and not healed. Throws when a server is lost. */
export async function compare(context: CacheContext, findings: Findings): Promise<void> {
  const target = context.target();
  for await (const keys of scanKeys(context, context.source)) {
    const { portions, tooLarge } = await planPortions(context.source, keys);
    for (const portion of [...portions, ...tooLarge.map((key) => [key])]) {
      if (isLate(context, findings)) return;
      await context.pace.take(portion.length);
      // By its parts where the whole is too much to have in memory twice.
      if (tooLarge.includes(portion[0]!)) await compareValues(context, portion[0]!, findings);
      else await comparePortion(context, portion, findings);
    }
  }
  for await (const keys of scanKeys(context, target)) {
    if (isLate(context, findings)) return;
    await context.pace.take(keys.length * EXISTS_COST);
    const there = await context.source.pipeline(keys.map((key) => ["EXISTS", key]));
    const left = await target.pipeline(keys.map((key) => ["PTTL", key]));
    keys.forEach((key, index) => {
      if (there[index] !== 0) return;
      const leftMs = Number(left[index]);
      // On its way to its end, which the shared cache's clock has reached already.
      if (leftMs === -2 || (leftMs >= 0 && leftMs < TOLERANCE_MS)) return;
      note(findings, key, "it is only in the tenant's own cache");
    });
  }
  findings.complete = findings.problem === undefined;
}

function isLate({ untilMs }: CacheContext, findings: Findings): boolean {
  if (performance.now() < untilMs) return false;
  findings.problem = "it was stopped, since its time was over";
  return true;
}

async function comparePortion(context: CacheContext, keys: Buffer[], findings: Findings): Promise<void> {
  const [source, target] = [context.source, context.target()];
  const [before, after] = await Promise.all([readEntries(source, keys), readEntries(target, keys)]);
  for (const [index, key] of keys.entries()) {
    const [expected, found] = [before[index], after[index]];
    const refusal = [expected, found].find((entry) => entry instanceof ErrorReply);
    if (refusal) note(findings, key, describeFailure(refusal));
    else
      await compareEntries(context, key, expected as Entry | undefined, found as Entry | undefined, findings);
  }
}

async function compareEntries(
  context: CacheContext,
  key: Buffer,
  expected: Entry | undefined,
  found: Entry | undefined,
  findings: Findings,
): Promise<void> {
  if (!expected || (!found && isEnding(expected))) {
    findings.expired += 1;
    return;
  }
  if (!found) return note(findings, key, "it is missing in the tenant's own cache");
  const ends = compareEnds(expected, found);
  if (ends !== undefined) return note(findings, key, ends);
  if (expected.dump.equals(found.dump)) {
    findings.verified += 1;
    return;
  }
  // Another version writes the same value in another way, and a set's members have an order of each server's own.
  await compareValues(context, key, findings);
}

async function compareValues(context: CacheContext, key: Buffer, findings: Findings): Promise<void> {
  const digestOn = (side: Side) => digestValue(side, key);
  const [expected, found] = await Promise.all([digestOn(context.source), digestOn(context.target())]);
  if (expected === undefined) findings.expired += 1;
  else if (expected === found) findings.verified += 1;
  else
    note(
      findings,
      key,
      `SHA-256 ${expected} in the shared cache, ${found ?? "no value"} in the tenant's own`,
    );
}

const isEnding = ({ leftMs }: Entry): boolean => leftMs !== undefined && leftMs < TOLERANCE_MS;

function compareEnds(expected: Entry, found: Entry): string | undefined {
  if (expected.leftMs === undefined && found.leftMs === undefined) return undefined;
  const apart = Math.abs((expected.leftMs ?? Infinity) - (found.leftMs ?? Infinity));
  if (apart <= TOLERANCE_MS) return undefined;
  const tell = (leftMs: number | undefined) =>
    leftMs === undefined ? "stays" : `ends in ${Math.round(leftMs / 1000)} s`;
  return `it ${tell(expected.leftMs)} in the shared cache and ${tell(found.leftMs)} in the tenant's own`;
}

function note(findings: Findings, key: Buffer, found: string): void {
  findings.differing += 1;
  if (findings.differences.length < SHOWN) findings.differences.push(`cache / ${printKey(key)}: ${found}`);
}

export function planVerifyReport(findings: Findings, startedMs: number): CacheVerifyReport {
  const ok = findings.complete && findings.differing === 0;
  return { store: "cache", verb: "verify", ok, ...findings, seconds: secondsSince(startedMs) };
}
