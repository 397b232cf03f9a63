import { afterEach, describe, expect, test } from "vitest";
import { tierliftError } from "../../../automation/errors.ts";
import type { VerificationReport } from "../../../automation/ports.ts";
import type { Ports } from "../../../automation/ports.ts";
import {
  activeTenant,
  ADMIN,
  arrival,
  createWorld,
  inVerification,
  outcomeOf,
  PATIENT_MS,
  underWay,
  until,
} from "../../support/fake-world.ts";
import type { World } from "../../support/fake-world.ts";

let world: World;
afterEach(() => world.tierlift.stop());
async function begin(ports: Partial<Ports> = {}): Promise<void> {
  world = createWorld({ ports });
  await world.tierlift.start();
}

/** Answers what is left as often as told, then nothing. */
function leaving(times: number, what: string): Pick<Ports, "takeInventory"> {
  let asked = 0;
  return {
    takeInventory: () => {
      asked += 1;
      return Promise.resolve({
        answers: [{ place: "arm: resources", left: asked > times ? [] : [what] }],
        kept: [],
      });
    },
  };
}
const rolledBack = async (jobId: string) => {
  await world.tierlift.migrations.rollback(jobId, "slow", ADMIN);
  return arrival(world, jobId, "ROLLED_BACK", "FAILED");
};
const reportOf = (jobId: string): Promise<VerificationReport> => world.tierlift.migrations.undoReport(jobId);
const destroys = () => world.engine.calls.filter((call) => call === "destroy acme").length;

describe("a rollback", () => {
  test("asks every place, compares the slice, and keeps the report", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    expect((await rolledBack(jobId)).status).toBe("ROLLED_BACK");
    const { passed, checks } = await reportOf(jobId);
    expect(passed).toBe(true);
    expect(checks.map(({ group, name }) => `${group}: ${name}`)).toEqual([
      "inventory: the engine's state",
      "inventory: the world",
      "slice: state",
      "slice: objects",
      "slice: tables",
      "slice: rows",
      "slice: blobs",
      "slice: database role",
      "slice: limits",
    ]);
  });

  test("waits for lists that still show what is gone", async () => {
    await begin(leaving(2, "/subscriptions/s/resourceGroups/rg-tierlift-acme"));
    const { jobId } = await inVerification(world);
    expect((await rolledBack(jobId)).status).toBe("ROLLED_BACK");
  });

  test("is FAILED while something is left, names it, and ends when a retry finds nothing", async () => {
    await begin(leaving(3, "/subscriptions/s/resourceGroups/rg-tierlift-acme"));
    const { jobId } = await inVerification(world);
    const failed = await rolledBack(jobId);
    expect(failed.error).toMatchObject({ code: "UNDO_INCOMPLETE", status: "ROLLING_BACK" });
    expect(failed.error?.message).toContain("arm: resources: expected nothing, found /subscriptions/s");
    expect((await reportOf(jobId)).passed).toBe(false);
    await world.tierlift.migrations.retry(jobId, ADMIN);
    await arrival(world, jobId, "ROLLED_BACK");
    expect((await reportOf(jobId)).passed).toBe(true);
  });

  test("is FAILED when an object of the slice is not what it was, though the state knows nothing of it", async () => {
    let limit = "2 CPU";
    await begin({
      digestSlice: () =>
        Promise.resolve({ objects: { quota: limit }, rows: {}, blobs: "", role: "", limits: "" }),
    });
    const { jobId } = await inVerification(world);
    limit = "1 CPU";
    expect((await rolledBack(jobId)).error?.message).toContain("quota is changed");
  });

  test("tells rows and blobs that the tenant changed meanwhile, and is not kept from its end by them", async () => {
    let rows: Record<string, string> = { "bi / runs": "4 rows" };
    let blobs = "1 blobs";
    await begin({ digestSlice: () => Promise.resolve({ objects: {}, rows, blobs, role: "", limits: "" }) });
    const { jobId } = await inVerification(world);
    rows = { "bi / runs": "5 rows" };
    blobs = "2 blobs";
    expect((await rolledBack(jobId)).status).toBe("ROLLED_BACK");
    const { checks } = await reportOf(jobId);
    expect(checks.find(({ name }) => name === "rows")).toMatchObject({
      found: "bi / runs is changed",
      passed: true,
    });
    expect(checks.find(({ name }) => name === "blobs")).toMatchObject({
      found: "2 blobs; before: 1 blobs",
      passed: true,
    });
  });

  test("tells keys that stay and were changed meanwhile, and is not kept from its end by them", async () => {
    let keys = "3 keys that stay, one";
    const digest = { objects: {}, rows: {}, blobs: "", role: "", limits: "" };
    await begin({ digestSlice: () => Promise.resolve({ ...digest, keys }) });
    const { jobId } = await inVerification(world);
    keys = "3 keys that stay, two";
    expect((await rolledBack(jobId)).status).toBe("ROLLED_BACK");
    const { checks } = await reportOf(jobId);
    expect(checks.find(({ name }) => name === "keys")).toMatchObject({
      found: "3 keys that stay, two; before: 3 keys that stay, one",
      passed: true,
    });
  });

  test("is FAILED when a table of the slice is gone", async () => {
    let rows: Record<string, string> = { "bi / runs": "4 rows" };
    await begin({
      digestSlice: () => Promise.resolve({ objects: {}, rows, blobs: "", role: "", limits: "" }),
    });
    const { jobId } = await inVerification(world);
    rows = {};
    expect((await rolledBack(jobId)).error?.message).toContain("bi / runs is gone");
  });

  test("destroys all layers in one operation", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    await rolledBack(jobId);
    expect(destroys()).toBe(1);
  });

  test("tries a destroy that fails as often as a phase, not again for each layer", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    world.engine.onApply = (stack, operation) => {
      if (operation === "delete") throw tierliftError("ENGINE_FAILED", { stack, detail: "no" });
    };
    const failed = await rolledBack(jobId);
    expect(destroys()).toBe(3);
    expect(outcomeOf(failed, "PROVISIONING_INFRASTRUCTURE")).toBe("UNDO_FAILED");
    expect(failed.error?.code).toBe("UNDO_INCOMPLETE");
  });

  test("removes what a cut off operation made behind the state's back", async () => {
    const asked: string[] = [];
    await begin({
      removeOrphans: (context, migrationId) => {
        asked.push(migrationId);
        expect(context).toMatchObject({
          scope: "dedicated",
          credentials: { subscriptionId: "subscription" },
        });
        return Promise.resolve([]);
      },
    });
    const { jobId } = await inVerification(world);
    await rolledBack(jobId);
    expect(asked).toEqual([jobId]);
  });
});

test("a migration that is cancelled before its preview has nothing to compare, and says so by its checks", async () => {
  await begin();
  const { id } = await activeTenant(world);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const recover = world.engine.recover.bind(world.engine);
  world.engine.recover = async (stack, request, options) => {
    await held;
    return recover(stack, request, options);
  };
  const jobId = await underWay(world, id);
  await until(
    world,
    id,
    () => world.tierlift.migrations.get(jobId).provisioningState === "ACQUIRING_TF_LOCK",
  );
  await world.tierlift.migrations.cancel(jobId, "no", ADMIN);
  release();
  await arrival(world, jobId, "CANCELLED");
  const { checks } = await reportOf(jobId);
  expect(checks.map(({ group }) => group)).toEqual(["inventory", "inventory"]);
});

test("each try of a phase is told with its reason: in the events before it, in the trail with it", async () => {
  await begin();
  const { id } = await activeTenant(world);
  let left = 2;
  world.engine.onApply = (stack, operation, { name }) => {
    if (operation !== "create" || name !== "services" || left === 0) return;
    left -= 1;
    throw tierliftError("ENGINE_FAILED", { stack, detail: `trouble ${left}` });
  };
  const jobId = await underWay(world, id);
  await arrival(world, jobId, "VERIFICATION");
  const trail = await world.tierlift.migrations.audit(jobId);
  const retries = trail.filter(({ action }) => action === "retry DEPLOYING_SERVICES");
  expect(retries.map(({ reason }) => reason)).toEqual([
    "The engine failed on stack acme: trouble 1",
    "The engine failed on stack acme: trouble 0",
  ]);
  const events = await world.store.events.read(id);
  const waits = events.filter(({ data }) => data["state"] === "failed").map(({ data }) => data["retryInMs"]);
  expect(waits).toEqual([2_000, 10_000]);
});

describe("a deletion", () => {
  test("is not done while something of the tenant is left, and is when it is asked for again", async () => {
    await begin(leaving(3, "rows"));
    const { id } = await activeTenant(world);
    // The tenant is ACTIVE a moment before the operation that made it is closed.
    await until(world, id, () => world.store.operations.list(({ status }) => status === "DONE").length === 1);
    const { tenants } = world.tierlift;
    await tenants.delete(id, "acme", ADMIN);
    const operations = () => world.store.operations.list(({ kind }) => kind === "DELETE_TENANT");
    await until(world, id, () => operations()[0]?.status === "FAILED");
    expect(operations()[0]?.error).toMatchObject({ code: "DELETION_INCOMPLETE" });
    expect(tenants.get(id).status).toBe("DELETING");
    await tenants.delete(id, "acme", ADMIN);
    await until(world, id, () => operations().some(({ status }) => status === "DONE"));
    expect(tenants.get(id).status).toBe("DELETED");
  });

  test("of a dedicated tenant asks its own subscription too, and for everything", async () => {
    const scopes: unknown[] = [];
    await begin({
      takeInventory: ({ scope, credentials }) => {
        scopes.push([scope, credentials?.subscriptionId]);
        return Promise.resolve({ answers: [], kept: [] });
      },
    });
    const { tenantId, jobId } = await inVerification(world);
    await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
    await world.tierlift.tenants.delete(tenantId, "acme", ADMIN);
    await until(world, tenantId, () => world.tierlift.tenants.get(tenantId).status === "DELETED");
    expect(scopes).toEqual([["everything", "subscription"]]);
  });
});
