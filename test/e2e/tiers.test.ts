/**
 * A tenant that grows through every tier: its slice, then a footprint of its own, then that in place. On the real
 * engine and real servers.
 */
import { describe, expect, it } from "vitest";
import type { Tier } from "../../stacks/spec.ts";
import { secondsSince } from "./beginning.ts";
import { tellChapters } from "./chapters.ts";
import { triedAgain } from "./migration.ts";
import { isFull, WHY_NOT } from "./scope.ts";
import { digestRows, lookAt, stateOf } from "./world.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000;
const LIMITS = {
  STARTER: { maxUsers: 25, maxConnections: 10 },
  PROFESSIONAL: { maxUsers: 100, maxConnections: 50 },
  ENTERPRISE: { maxUsers: null, maxConnections: 200 },
} as const;

const { installation, begun } = tellChapters("FREE");
async function move(tenantId: string, tier: Tier): Promise<string> {
  const { story } = begun();
  const startedMs = performance.now();
  const jobId = await story.upgrade(tenantId, tier);
  await story.reaches(jobId, "VERIFICATION");
  await story.complete(jobId);
  const { phases } = await story.reaches(jobId, "COMPLETED");
  expect(triedAgain(phases)).toEqual([]);
  console.log(`${tier}: COMPLETED in ${secondsSince(startedMs)} s`);
  return jobId;
}

/** The totals of a phase's change set as it was before the phase ran. */
async function totalsOf(jobId: string, phase: string): Promise<Record<string, number>> {
  const path = `/api/v1/migrations/${jobId}/preview?phase=${phase}`;
  const { status, body } = await installation.get(path, begun().story.admin);
  expect(status, phase).toBe(200);
  return (body as { totals: Record<string, number> }).totals;
}

const isCustom = (entry: string): boolean => entry.split(" ").at(-1) !== "";

describe("a tenant that grows", { timeout: 15 * MINUTE }, () => {
  /** As PROFESSIONAL, before it grows. */
  let professional: World;
  let rows: Record<string, string>;

  it("from FREE to STARTER on the shared cluster, asked for no credentials", async () => {
    const { story, tenantId, before } = begun();
    const jobId = await story.upgrade(tenantId, "STARTER");
    const job = await story.reaches(jobId, "COMPLETED");
    expect(job.credentials).toBeUndefined();
    expect(await totalsOf(jobId, "PREVIEWING_CHANGES")).toMatchObject({ replace: 0, delete: 0 });
    expect(await story.tenant(tenantId)).toMatchObject({ tier: "STARTER", limits: LIMITS.STARTER });
    const after = await lookAt(installation, "acme");
    expect(after.objects).not.toEqual(before.objects);
    expect(Object.keys(after.objects)).toEqual(expect.arrayContaining(Object.keys(before.objects)));
    expect({ ...after, objects: {}, state: [] }).toEqual({ ...before, objects: {}, state: [] });
  });

  it("from STARTER to PROFESSIONAL onto infrastructure of its own", async (context) => {
    if (!isFull()) context.skip(WHY_NOT);
    const { story, tenantId } = begun();
    await move(tenantId, "PROFESSIONAL");
    expect(await story.tenant(tenantId)).toMatchObject({
      tier: "PROFESSIONAL",
      limits: LIMITS.PROFESSIONAL,
    });
    professional = await lookAt(installation, "acme");
    rows = await digestRows(installation, "acme");
  });

  it("from PROFESSIONAL to ENTERPRISE in place, and back to the old size when it does not like it", async (context) => {
    if (!isFull()) context.skip(WHY_NOT);
    const { story, tenantId } = begun();
    const jobId = await story.upgrade(tenantId, "ENTERPRISE");
    await story.reaches(jobId, "VERIFICATION");
    expect(await totalsOf(jobId, "PROVISIONING_INFRASTRUCTURE")).toMatchObject({ replace: 0, delete: 0 });
    await story.rollback(jobId);
    await story.reaches(jobId, "ROLLED_BACK");
    expect(await story.tenant(tenantId)).toMatchObject({
      status: "ACTIVE",
      tier: "PROFESSIONAL",
      limits: LIMITS.PROFESSIONAL,
    });
    expect(await lookAt(installation, "acme")).toEqual(professional);
    expect(await digestRows(installation, "acme")).toEqual(rows);
  });

  it("from PROFESSIONAL to ENTERPRISE with no resource replaced and every row still there", async (context) => {
    if (!isFull()) context.skip(WHY_NOT);
    const { story, tenantId } = begun();
    const jobId = await move(tenantId, "ENTERPRISE");
    expect(await totalsOf(jobId, "PROVISIONING_INFRASTRUCTURE")).toMatchObject({ replace: 0, delete: 0 });
    const state = await stateOf(installation, "acme");
    // The same id under the same name: nothing was replaced.
    expect(state.filter(isCustom)).toEqual(expect.arrayContaining(professional.state.filter(isCustom)));
    const { made, rows: shared } = await lookAt(installation, "acme");
    expect(made).toEqual(expect.arrayContaining(professional.made));
    expect(shared).toEqual(professional.rows);
    expect(await digestRows(installation, "acme")).toEqual(rows);
    expect(await story.tenant(tenantId)).toMatchObject({
      status: "ACTIVE",
      tier: "ENTERPRISE",
      limits: LIMITS.ENTERPRISE,
    });
    expect(await replacementsIn("acme")).toEqual([]);
  });

  it("from FREE to ENTERPRISE in one step, by a script that uses the command line", async (context) => {
    if (!isFull()) context.skip(WHY_NOT);
    const { admin } = begun().story;
    const tierlift = (...args: string[]) => installation.tierlift(admin, ...args);
    const [made] = await tierlift("tenants", "create", "globex", "--email", "it@globex.example", "--wait");
    expect(made).toMatchObject({ slug: "globex", tier: "FREE", status: "ACTIVE" });

    const credentials = ["--credentials-file", installation.credentialsFile()];
    const told = await tierlift("upgrade", "globex", "--to", "ENTERPRISE", ...credentials);
    expect(told[0]).toMatchObject({ type: "job", job: { sourceTier: "FREE", targetTier: "ENTERPRISE" } });
    expect(told.at(-1)).toMatchObject({ type: "result", job: { status: "VERIFICATION" } });
    const phases = told.filter(({ type, data }) => type === "phase" && isDone(data));
    expect(phases).toHaveLength(10);
    const ids = told.flatMap(({ id }) => (typeof id === "number" ? [id] : []));
    expect(ids.length).toBeGreaterThan(100);
    expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));

    expect(await tierlift("complete", "globex", "--yes")).toMatchObject([{ status: "COMPLETED" }]);
    const [tenant] = await tierlift("tenants", "get", "globex");
    expect(tenant).toMatchObject({ tier: "ENTERPRISE", limits: LIMITS.ENTERPRISE });
  });
});

const isDone = (data: unknown): boolean => (data as { state?: string }).state === "done";

/** Replacements that the engine's own history of a stack tells of. */
async function replacementsIn(slug: string): Promise<unknown[]> {
  const history = JSON.parse(
    await installation.command("pulumi", "stack", "history", "-s", slug, "--json"),
  ) as { resourceChanges?: Record<string, number> }[];
  expect(history.length).toBeGreaterThan(5);
  return history.filter(({ resourceChanges = {} }) =>
    Object.keys(resourceChanges).some((operation) => operation.includes("replace")),
  );
}
