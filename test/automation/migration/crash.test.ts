import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { verifyTrail } from "../../../automation/audit.ts";
import { PHASES } from "../../../automation/model.ts";
import type { JobStatus } from "../../../automation/model.ts";
import { openFileStore } from "../../../automation/store/file-store.ts";
import { createMemoryStore } from "../../../automation/store/memory-store.ts";
import type { Store } from "../../../automation/store/store.ts";
import { createCrashingStore } from "../../support/crashing-store.ts";
import { createFakeCloud, createFakeEngine } from "../../support/fake-engine.ts";
import type { FakeCloud } from "../../support/fake-engine.ts";
import { createFakeClock } from "../../support/fake-clock.ts";
import type { FakeClock } from "../../support/fake-clock.ts";
import { ADMIN, CREDENTIALS, createWorld, follow, PATIENT_MS } from "../../support/fake-world.ts";
import type { World } from "../../support/fake-world.ts";

/** What the tenant's people do next, from what the service answers; a command without an answer is given again. */
type Client = (world: World, slug: string) => Promise<unknown>;

const upTo = (ending: "complete" | "rollback" | "cancel"): Client => {
  return async ({ tierlift: { tenants, migrations } }, slug) => {
    const tenant = tenants.list({ slug, page: 1, size: 1 }).tenants[0];
    const input = {
      name: slug,
      slug,
      tier: "STARTER",
      region: "westeurope",
      adminEmail: "a@b.test",
    } as const;
    if (tenant === undefined) return tenants.create(input, ADMIN);
    const job = migrations.history(tenant.id)[0];
    if (job === undefined)
      return tenant.status === "ACTIVE" ? migrations.initiate(tenant.id, "PROFESSIONAL", ADMIN) : null;
    if (job.status === "INITIATED") return migrations.validatePayment(job.id, ADMIN);
    if (job.status === "PAYMENT_VALIDATED") return migrations.submitCredentials(job.id, CREDENTIALS, ADMIN);
    if (ending === "cancel" && job.status === "PROVISIONING" && job.provisioningState === "MIGRATING_DATA")
      return migrations.cancel(job.id, "dear", ADMIN);
    if (job.status !== "VERIFICATION") return null;
    if (ending === "rollback") return migrations.rollback(job.id, "slow", ADMIN);
    return migrations.completeVerification(job.id, ADMIN, PATIENT_MS);
  };
};

interface Life {
  /** Opens what the run of the service before left behind. */
  open: () => Promise<Store>;
  cloud: FakeCloud;
  clock: FakeClock;
  /** Creations that the cloud saw, over all runs of the service. */
  created: string[];
  data: string[];
}

/** Runs the service until the migration has come to its end or the process dies. */
async function live(
  life: Life,
  client: Client,
  dieAt: number,
): Promise<{ crashed: boolean; writes: number }> {
  const engine = createFakeEngine(life.cloud);
  let die: () => void = () => undefined;
  const death = new Promise<void>((resolve) => (die = resolve));
  const store = createCrashingStore(await life.open(), dieAt, die);
  engine.onApply = () => {
    if (store.crashed()) throw new Error("the process has died");
  };
  const world = createWorld({
    store,
    engine,
    clock: life.clock,
    onData: (verb) => {
      life.data.push(verb);
      return {};
    },
  });
  try {
    await world.tierlift.start().catch(() => undefined);
    await Promise.race([death, untilEnd(world, client)]);
  } finally {
    await world.tierlift.stop();
    await store.close();
    life.created.push(...engine.applied.filter((entry) => entry.startsWith("create")));
  }
  return { crashed: store.crashed(), writes: store.writes() };
}

async function untilEnd(world: World, client: Client): Promise<void> {
  const ended = (): boolean => world.store.migrations.list(({ job }) => ENDS.includes(job.status)).length > 0;
  // An answer that does not come: the process died, or the service has moved on. The next event shows where to.
  const ask = (): Promise<unknown> => client(world, "acme").catch(() => undefined);
  await ask();
  const { id } = world.store.tenants.list()[0] ?? { id: "none" };
  await follow(world, id, () => {
    if (ended()) return true;
    void ask();
    return false;
  });
}

const ENDS: JobStatus[] = ["COMPLETED", "ROLLED_BACK", "CANCELLED", "FAILED"];
const newLife = (open: () => Promise<Store>): Life => ({
  open,
  cloud: createFakeCloud(),
  clock: createFakeClock(),
  created: [],
  data: [],
});

/** The writes of a memory store are as final as those of files, and every one of them can be tried. */
const newMemoryLife = (): Life => {
  const store = createMemoryStore();
  return newLife(() => Promise.resolve(store));
};

async function inspect(store: Store) {
  const [record] = store.migrations.list();
  const [tenant] = store.tenants.list();
  if (record === undefined || tenant === undefined) throw new Error("nothing was stored");
  const events = await store.events.read(tenant.id);
  return {
    job: record.job,
    tenant,
    ids: events.map(({ id }) => id),
    trails: [
      verifyTrail(await store.audit.read(record.id), record.outbox.at(-1)),
      verifyTrail(await store.audit.read(tenant.id), tenant.outbox.at(-1)),
    ],
  };
}

const names = ({ cloud }: Life): string[] =>
  [...(cloud.stacks.get("acme")?.values() ?? [])].map(({ name }) => name).sort();

const ENDINGS = [
  ["complete", "COMPLETED", "PROFESSIONAL"],
  ["rollback", "ROLLED_BACK", "STARTER"],
  ["cancel", "CANCELLED", "STARTER"],
] as const;

/** Dies once, starts anew, and must have come where a service that never died comes. */
async function dieOnce(
  life: Life,
  [ending, status, tier]: (typeof ENDINGS)[number],
  dieAt: number,
  expected: string[],
) {
  await live(life, upTo(ending), dieAt);
  await live(life, upTo(ending), Infinity);
  const store = await life.open();
  const { job, tenant, ids, trails } = await inspect(store);
  await store.close();
  const died = `at write ${dieAt}`;
  expect({ died, status: job.status, error: job.error }).toEqual({ died, status, error: undefined });
  expect({ died, tier: tenant.tier, tenant: tenant.status }).toEqual({ died, tier, tenant: "ACTIVE" });
  expect({ died, names: names(life) }).toEqual({ died, names: expected });
  expect({ died, trails }).toEqual({ died, trails: [{ valid: true }, { valid: true }] });
  expect({ died, ids }).toEqual({ died, ids: ids.map((_id, index) => index + 1) });
  const made = life.created.filter((entry) => entry !== "create acme");
  expect({ died, twice: made.filter((entry, index) => made.indexOf(entry) !== index) }).toEqual({
    died,
    twice: [],
  });
  return job;
}

test.each(ENDINGS.map((way) => [way[1], way] as const))(
  "a service that dies at any write and starts anew ends the same: %s",
  async (_status, way) => {
    const undisturbed = newMemoryLife();
    const { writes } = await live(undisturbed, upTo(way[0]), Infinity);
    for (let dieAt = 1; dieAt <= writes; dieAt += 1) {
      const life = newMemoryLife();
      const { phases } = await dieOnce(life, way, dieAt, names(undisturbed));
      if (way[0] !== "complete") continue;
      // Only the phase that was cut off is run again, and nothing is copied over a side that may serve.
      const attempts = phases.map((phase) => phase.attempts);
      expect(attempts.length).toBe(PHASES.length);
      expect(attempts.reduce((sum, number) => sum + number, 0)).toBeLessThanOrEqual(PHASES.length + 1);
      expect(life.data.filter((verb) => verb === "cutover").length).toBeLessThanOrEqual(2);
    }
  },
  120_000,
);

test("a service that dies and starts anew on the same files ends the same", async () => {
  const way = ENDINGS[0];
  const undisturbed = newMemoryLife();
  const { writes } = await live(undisturbed, upTo(way[0]), Infinity);
  for (let dieAt = 5; dieAt <= writes; dieAt += Math.ceil(writes / 8)) {
    const folder = await mkdtemp(join(tmpdir(), "tierlift-crash-"));
    try {
      await dieOnce(
        newLife(() => openFileStore(folder)),
        way,
        dieAt,
        names(undisturbed),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}, 120_000);
