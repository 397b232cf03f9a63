import { describe, expect, it } from "vitest";
import type { PhaseRecord, ProvisioningStatus } from "../../automation/model.ts";
import { PHASES } from "../../automation/model.ts";
import { renderFrame } from "../../cli/frame.ts";
import { duration, fit, printable, table, widthOf, wrap } from "../../cli/text.ts";
import type { Job } from "../../cli/watch.ts";

const AT = "2026-11-26T10:00:00.000Z";
const after = (seconds: number) => new Date(Date.parse(AT) + seconds * 1000);

function job(more: Partial<Job> = {}): Job {
  return {
    id: "m-1",
    tenantId: "t-1",
    sourceTier: "STARTER",
    targetTier: "PROFESSIONAL",
    status: "PROVISIONING",
    provisioningState: "PROVISIONING_INFRASTRUCTURE",
    initiatedBy: "someone",
    initiatedAt: AT,
    updatedAt: AT,
    phases: [],
    ...more,
  };
}

const record = (phase: PhaseRecord["phase"], more: Partial<PhaseRecord> = {}): PhaseRecord => ({
  phase,
  startedAt: AT,
  attempts: 1,
  failures: 0,
  ...more,
});

const progress = (more: Partial<ProvisioningStatus> = {}): ProvisioningStatus => ({
  tenantId: "t-1",
  tenantStatus: "UPGRADING",
  migrationId: "m-1",
  status: "PROVISIONING",
  phase: { name: "PROVISIONING_INFRASTRUCTURE", number: 4, total: 12 },
  percentage: 27,
  resourcesDone: 34,
  resourcesPlanned: 102,
  startedAt: AT,
  estimatedCompletionAt: after(160).toISOString(),
  error: null,
  recentLogs: [],
  ...more,
});

describe("a frame", () => {
  it("shows phases with durations and resources, the whole, and what happened last", () => {
    const running = job({
      phases: [
        record("PREVIEWING_CHANGES", { outcome: "DONE", finishedAt: after(12.34).toISOString() }),
        record("PROVISIONING_INFRASTRUCTURE", { attempts: 2, resourcesDone: 34, resourcesPlanned: 102 }),
      ],
    });
    const recent = "create Subnet snet-nodes: done";
    expect(renderFrame({ slug: "acme", job: running, progress: progress(), recent, now: after(65) })).toEqual(
      [
        "acme  STARTER → PROFESSIONAL                            PROVISIONING  1 min 05 s",
        "  done        PREVIEWING_CHANGES                12.3 s",
        "  running     PROVISIONING_INFRASTRUCTURE   1 min 05 s  34/102 resources, try 2",
        "  [#####---------------] 27 %, phase 4 of 12, 34 of 102 resources, 100 s left",
        "  create Subnet snet-nodes: done",
      ],
    );
  });

  it.each([
    ["ROLLING_BACK", undefined, "undoing"],
    ["ROLLING_BACK", "UNDO_FAILED", "undoing"],
    ["ROLLING_BACK", "UNDONE", "undone"],
    ["PROVISIONING", undefined, "running"],
    ["FAILED", "FAILED", "failed"],
    ["FAILED", undefined, "interrupted"],
  ] as const)("of a migration in %s names a phase with the outcome %s %s", (status, outcome, word) => {
    const phases = [record("PROVISIONING_INFRASTRUCTURE", outcome === undefined ? {} : { outcome })];
    expect(renderFrame({ slug: "acme", job: job({ status, phases }), now: after(1) })[1]).toContain(word);
  });

  it("is never wider than 80 columns, whatever the service tells", () => {
    const phases = PHASES.map((phase) =>
      record(phase, {
        attempts: 999_999,
        resourcesDone: 1_000_000,
        resourcesPlanned: 1_000_000,
        outcome: "UNDO_FAILED",
        finishedAt: after(10_000_000).toISOString(),
      }),
    );
    const lines = renderFrame({
      slug: "a".repeat(63),
      job: job({ status: "CREDENTIALS_SUBMITTED", targetTier: "ENTERPRISE", phases }),
      progress: progress({ percentage: 100, resourcesDone: 1e9, resourcesPlanned: 1e9 }),
      recent: `create ${"long-name-".repeat(20)}`,
      notice: "n".repeat(200),
      now: after(36_000_000),
    });
    expect(lines).toHaveLength(PHASES.length + 4);
    expect(lines.map(widthOf).filter((width) => width > 80)).toEqual([]);
  });

  it("cannot be steered by what a resource is called", () => {
    const recent = "create x\u001b[2J\u202e\r\ny: done";
    const lines = renderFrame({ slug: "acme", job: job(), recent, now: after(0) });
    expect(lines.at(-1)).toBe("  create x [2J y: done");
  });
});

describe("text", () => {
  it.each([
    [18_940, "18.9 s"],
    [59_999, "60.0 s"],
    [125_000, "2 min 05 s"],
    [3_720_000, "1 h 02 min"],
    [-5, "0.0 s"],
  ])("tells %i ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it("is wrapped at spaces, and inside words that are too long", () => {
    expect(wrap("one two three", "  ", 9)).toEqual(["  one two", "  three"]);
    expect(wrap("abcdefgh ij", "", 5)).toEqual(["abcde", "fgh", "ij"]);
  });

  it("is cut with a mark", () => {
    expect([fit("abc", 3), fit("abcd", 3)]).toEqual(["abc", "ab…"]);
    expect(printable("a\u0007b")).toBe("a b");
  });

  it("in columns gives way in the first one", () => {
    const rows = [
      ["SLUG", "STATUS"],
      ["a".repeat(63), "PROVISIONING_FAILED"],
    ];
    expect(table(rows, 40)).toEqual([
      "SLUG                 STATUS",
      `${"a".repeat(18)}…  PROVISIONING_FAILED`,
    ]);
  });
});
