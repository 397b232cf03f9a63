import { describe, expect, test } from "vitest";
import { ERRORS } from "../../../automation/errors.ts";
import { JOB_STATUSES, PHASES } from "../../../automation/model.ts";
import type { JobStatus, MigrationRecord, TierMigrationJob } from "../../../automation/model.ts";
import { nextStep, phasesOf } from "../../../automation/migration/plan.ts";
import { COMMANDS, isEnded, REPORTS, transition } from "../../../automation/migration/states.ts";
import type { Trigger } from "../../../automation/migration/states.ts";
import type { Tier } from "../../../stacks/spec.ts";

function job(status: JobStatus, changes: Partial<TierMigrationJob> = {}): TierMigrationJob {
  return {
    id: "job",
    tenantId: "tenant",
    sourceTier: "STARTER",
    targetTier: "PROFESSIONAL",
    status,
    provisioningState: null,
    initiatedBy: "someone",
    initiatedAt: "2026-01-01T00:00:00.000Z",
    updatedAt: "2026-01-01T00:00:00.000Z",
    phases: [],
    ...changes,
  };
}

/** Every legal move of an upgrade to infrastructure of its own; all that is not here must be refused. */
const LEGAL: Record<JobStatus, Partial<Record<Trigger, JobStatus>>> = {
  INITIATED: { validatePayment: "PAYMENT_VALIDATED", cancel: "CANCELLED" },
  PAYMENT_VALIDATED: { submitCredentials: "CREDENTIALS_SUBMITTED", cancel: "CANCELLED" },
  CREDENTIALS_SUBMITTED: {
    started: "PROVISIONING",
    reviewReady: "AWAITING_APPROVAL",
    failed: "FAILED",
    cancel: "CANCELLING",
  },
  AWAITING_APPROVAL: { approve: "PROVISIONING", cancel: "CANCELLING" },
  PROVISIONING: { provisioned: "VERIFICATION", failed: "FAILED", cancel: "CANCELLING" },
  VERIFICATION: { complete: "CUTTING_OVER", rollback: "ROLLING_BACK" },
  CUTTING_OVER: {
    switched: "GRACE_PERIOD",
    completed: "COMPLETED",
    cutoverFailed: "VERIFICATION",
    failed: "FAILED",
  },
  GRACE_PERIOD: { complete: "CUTTING_OVER", graceEnded: "CUTTING_OVER", rollback: "SWITCHING_BACK" },
  SWITCHING_BACK: { switchedBack: "ROLLING_BACK", switchBackFailed: "GRACE_PERIOD", failed: "FAILED" },
  COMPLETED: {},
  CANCELLING: { cancelled: "CANCELLED", failed: "FAILED" },
  CANCELLED: {},
  ROLLING_BACK: { rolledBack: "ROLLED_BACK", failed: "FAILED" },
  ROLLED_BACK: {},
  FAILED: { retry: "PROVISIONING", rollback: "ROLLING_BACK" },
};

const failure = {
  code: "ENGINE_FAILED",
  message: "it failed",
  phase: "DEPLOYING_SERVICES",
  status: "PROVISIONING",
} as const;

describe.each(JOB_STATUSES)("a migration that is %s", (status) => {
  test.each([...COMMANDS, ...REPORTS])("answers %s as the table says", (trigger) => {
    const present = job(status, status === "FAILED" ? { error: failure } : {});
    const expected = LEGAL[status][trigger];
    if (expected !== undefined) {
      expect(transition(present, trigger)).toBe(expected);
      return;
    }
    const refusal = refusalOf(() => transition(present, trigger));
    expect(refusal).toMatchObject({ code: "ILLEGAL_TRANSITION", kind: "conflict" });
    expect(refusal?.message).toContain(status);
    expect(refusal?.message).toMatch(new RegExp(`would take the migration to (${JOB_STATUSES.join("|")})`));
  });
});

test("a migration between shared tiers starts without credentials and refuses them", () => {
  const present = job("PAYMENT_VALIDATED", { sourceTier: "FREE", targetTier: "STARTER" });
  expect(transition(present, "started")).toBe("PROVISIONING");
  expect(refusalOf(() => transition(present, "submitCredentials"))?.code).toBe("CREDENTIALS_NOT_NEEDED");
});

test.each([
  ["FREE", "STARTER", "COMPLETED"],
  ["STARTER", "PROFESSIONAL", "VERIFICATION"],
  ["FREE", "ENTERPRISE", "VERIFICATION"],
  ["PROFESSIONAL", "ENTERPRISE", "VERIFICATION"],
] as const)("from %s to %s provisioning leads to %s", (sourceTier, targetTier, status) => {
  expect(transition(job("PROVISIONING", { sourceTier, targetTier }), "provisioned")).toBe(status);
});

test("credentials that were turned down can be replaced", () => {
  const error = { ...failure, phase: "VALIDATING_SERVICE_PRINCIPAL" as const };
  expect(transition(job("FAILED", { error }), "submitCredentials")).toBe("CREDENTIALS_SUBMITTED");
});

test.each(JOB_STATUSES.filter((status) => status !== "COMPLETED"))(
  "a retry goes back to %s, where it failed",
  (status) => {
    expect(transition(job("FAILED", { error: { ...failure, status } }), "retry")).toBe(status);
  },
);

test("once the switch is confirmed a failed migration can be retried, not rolled back", () => {
  const present = job("FAILED", {
    error: { ...failure, phase: "DECOMMISSIONING_SHARED", status: "CUTTING_OVER" },
    phases: [{ phase: "CUTTING_OVER", startedAt: "", attempts: 1, failures: 0, outcome: "DONE" }],
  });
  expect(refusalOf(() => transition(present, "rollback"))?.code).toBe("ALREADY_SWITCHED");
  expect(transition(present, "retry")).toBe("CUTTING_OVER");
});

test("random commands and reports never leave the states, and end states are never left", () => {
  const random = generator(7);
  const triggers = [...COMMANDS, ...REPORTS];
  const reached = new Set<JobStatus>();
  for (let walk = 0; walk < 1000; walk += 1) {
    let present = job("INITIATED");
    for (let step = 0; step < 80; step += 1) {
      const trigger = triggers[Math.floor(random() * triggers.length)] as Trigger;
      let status: JobStatus;
      try {
        status = transition(present, trigger);
      } catch (error) {
        expect(Object.keys(ERRORS)).toContain((error as { code: string }).code);
        continue;
      }
      expect(isEnded(present.status)).toBe(false);
      expect(JOB_STATUSES).toContain(status);
      present = { ...present, status };
      if (status === "FAILED") present.error = { ...failure, status: "PROVISIONING" };
      reached.add(status);
    }
  }
  expect([...reached].sort()).toEqual(JOB_STATUSES.filter((status) => status !== "INITIATED").sort());
});

describe("the next step", () => {
  const record = (
    present: TierMigrationJob,
    cutover: MigrationRecord["work"]["cutover"] = {},
  ): Pick<MigrationRecord, "job" | "work"> => ({ job: present, work: { cutover } });
  const done = (count: number) =>
    PHASES.slice(0, count).map((phase) => ({
      phase,
      startedAt: "",
      attempts: 1,
      failures: 0,
      outcome: "DONE" as const,
    }));

  test("runs the phases of provisioning in order, then reports", () => {
    for (let count = 0; count < 10; count += 1) {
      const step = nextStep(record(job("PROVISIONING", { phases: done(count) })), false);
      expect(step).toEqual({ kind: "run", phase: PHASES[count] });
    }
    const step = nextStep(record(job("PROVISIONING", { phases: done(10) })), false);
    expect(step).toEqual({ kind: "report", report: "provisioned" });
  });

  test("with review, runs what changes nothing and then asks", () => {
    const steps = [0, 1, 2, 3].map((count) =>
      nextStep(record(job("CREDENTIALS_SUBMITTED", { phases: done(count) })), true),
    );
    expect(steps).toEqual([
      { kind: "run", phase: "VALIDATING_SERVICE_PRINCIPAL" },
      { kind: "run", phase: "ACQUIRING_TF_LOCK" },
      { kind: "run", phase: "PREVIEWING_CHANGES" },
      { kind: "report", report: "reviewReady" },
    ]);
  });

  test("undoes what was begun from the last to the first, then checks", () => {
    const phases = done(5);
    for (let left = 5; left > 0; left -= 1) {
      const undone = phases.map((phase, index) =>
        index < left ? phase : { ...phase, outcome: "UNDONE" as const },
      );
      const step = nextStep(record(job("ROLLING_BACK", { phases: undone })), false);
      expect(step).toEqual({ kind: "undo", phase: PHASES[left - 1] });
    }
    const undone = phases.map((phase) => ({ ...phase, outcome: "UNDONE" as const }));
    expect(nextStep(record(job("CANCELLING", { phases: undone })), false)).toEqual({ kind: "check" });
  });

  test("after the switch is the end of the slice, or first the grace period that was begun with it", () => {
    const phases = done(11);
    const destroy = { kind: "run", phase: "DECOMMISSIONING_SHARED" };
    expect(nextStep(record(job("CUTTING_OVER", { phases })), false)).toEqual(destroy);
    const reversed = { reversedAt: "2026-01-01T00:00:00.000Z" };
    const switched = record(job("CUTTING_OVER", { phases }), reversed);
    expect(nextStep(switched, false)).toEqual({ kind: "report", report: "switched" });
    const over = job("CUTTING_OVER", { phases, graceDeadline: "2026-01-02T00:00:00.000Z" });
    expect(nextStep(record(over, reversed), false)).toEqual(destroy);
    expect(nextStep(record(job("SWITCHING_BACK", { phases }), reversed), false)).toEqual({
      kind: "switchBack",
    });
  });

  test("passes by an undo that failed", () => {
    const phases = [...done(4), { ...done(5)[4]!, outcome: "UNDO_FAILED" as const }];
    const step = nextStep(record(job("ROLLING_BACK", { phases })), false);
    expect(step).toEqual({ kind: "undo", phase: "PROVISIONING_INFRASTRUCTURE" });
  });

  test.each([
    ["FREE", "STARTER", ["ACQUIRING_TF_LOCK", "PREVIEWING_CHANGES", "DEPLOYING_SERVICES"]],
    ["STARTER", "ENTERPRISE", [...PHASES]],
    [
      "PROFESSIONAL",
      "ENTERPRISE",
      [
        "VALIDATING_SERVICE_PRINCIPAL",
        "ACQUIRING_TF_LOCK",
        "PREVIEWING_CHANGES",
        "PROVISIONING_INFRASTRUCTURE",
        "VERIFYING_DEPLOYMENT",
        "CUTTING_OVER",
      ],
    ],
  ] as [Tier, Tier, string[]][])(
    "from %s to %s goes through its own phases",
    (sourceTier, targetTier, phases) => {
      expect(phasesOf({ sourceTier, targetTier })).toEqual(phases);
    },
  );
});

function refusalOf(work: () => unknown): { code: string; message: string; kind: string } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error as { code: string; message: string; kind: string };
  }
}

/** A small linear congruential generator: the same walks on every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
