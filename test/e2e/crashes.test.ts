/**
 * One migration whose service is killed in the middle of every phase, on the real engine and real servers: each time it
 * goes on after the next start, and nothing is made twice.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PHASES } from "../../automation/model.ts";
import type { Phase } from "../../automation/model.ts";
import { writeBlobs } from "../../commands/demo/blobs.ts";
import { writeKeys } from "../../commands/demo/keys.ts";
import { countRows, createTables, writeRows } from "../../commands/demo/rows.ts";
import type { RowCounts } from "../../commands/demo/rows.ts";
import { creations } from "../../local/arm/request-log.ts";
import { Halves } from "./halves.ts";
import { until } from "./installation.ts";
import { Story } from "./migration.ts";
import { isMomentOf, MOMENTS } from "./moments.ts";
import { Operator } from "./operator.ts";
import { isFull, WHY_NOT } from "./scope.ts";
import { armLogOf, cacheOf, lookAt, sharedContainer } from "./world.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000;
const ROWS = 20;
const REPORTS = 5;

type Killed = "service" | "service and engines" | "everything";

const KILLED: Record<Phase, Killed> = {
  VALIDATING_SERVICE_PRINCIPAL: "service",
  ACQUIRING_TF_LOCK: "service",
  PREVIEWING_CHANGES: "service and engines",
  PROVISIONING_INFRASTRUCTURE: "service and engines",
  CREATING_K8S_RESOURCES: "service",
  DEPLOYING_SERVICES: "everything",
  CONFIGURING_DNS_AND_INGRESS: "service and engines",
  MIGRATING_DATA: "service and engines",
  SETTING_UP_OBSERVABILITY: "service",
  VERIFYING_DEPLOYMENT: "service",
  CUTTING_OVER: "service and engines",
  DECOMMISSIONING_SHARED: "service and engines",
};

/** Without the others: what ARM makes, what API servers make with all processes gone, and the switch. */
const ALWAYS: readonly Phase[] = ["PROVISIONING_INFRASTRUCTURE", "DEPLOYING_SERVICES", "CUTTING_OVER"];
const killedIn = isFull() ? PHASES : ALWAYS;

const installation = new Halves();
let story: Story;
let tenantId: string;
let rows: RowCounts;
let before: World;

const shared = () =>
  installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes("platform"))!;
const dedicated = () =>
  installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes("acme"))!;

beforeAll(async () => {
  await installation.start();
  story = new Story(installation, await installation.token(["PLATFORM_ADMIN"]));
  const { ca } = installation.endpoints();
  await createTables(shared(), ca);
  before = await lookAt(installation, "acme");
  tenantId = await story.createTenant("acme", "STARTER");
  await writeRows(shared(), ca, tenantId, ROWS);
  await writeBlobs(await sharedContainer(installation), "acme", REPORTS);
  const cache = cacheOf(installation);
  if (cache) await writeKeys(cache, ca, "acme", REPORTS);
  rows = await countRows(shared(), ca);
  // A record would be written before the news of its beginning is here, and the kill come after the operation.
  const match = { type: "Microsoft.Network/dnsZones/A", calls: ["PUT" as const] };
  await new Operator(installation).plan({
    "slow-records": { match, effect: { kind: "latency", ms: 3_000 } },
  });
}, 10 * MINUTE);

afterAll(async () => {
  await installation.stop();
  if (process.env["TIERLIFT_E2E_KEEP"] === undefined) installation.remove();
}, 2 * MINUTE);

async function killAndStart(killed: Killed): Promise<void> {
  if (killed === "service") await installation.killService();
  else await installation.killServiceAndEngines();
  if (killed === "everything") {
    await installation.killCloud();
    await installation.startCloud();
  }
  await installation.startService();
}

if (!isFull())
  test.skip(`a migration whose service is killed in the other phases, too: ${WHY_NOT}`, () => undefined);

test(
  `a migration whose service is killed in ${killedIn.length} of its phases completes, and nothing is made twice`,
  async () => {
    const startedMs = performance.now();
    const seconds = (): string => ((performance.now() - startedMs) / 1000).toFixed(0);
    const end = new AbortController();
    const events = await story.follow(tenantId, end.signal);
    const jobId = await story.upgrade(tenantId, "PROFESSIONAL");
    const left = new Set<Phase>(killedIn);
    const kill = async (phase: Phase): Promise<void> => {
      const killed = KILLED[phase];
      left.delete(phase);
      if (MOMENTS[phase] === "engine") await installation.untilEngineRuns();
      await killAndStart(killed);
      console.log(`${seconds()} s: ${phase}: killed ${killed} and started again`);
    };
    for await (const event of events) {
      const phase = event.data["phase"] as Phase | undefined;
      // Its answer waits for the switch, in the middle of which the service is to be killed.
      if (event.type === "status" && event.data["status"] === "VERIFICATION")
        story.complete(jobId).catch(() => undefined);
      if (phase !== undefined && left.has(phase) && isMomentOf(phase, event)) await kill(phase);
      if (event.type === "status" && ["COMPLETED", "FAILED"].includes(String(event.data["status"]))) break;
    }
    end.abort();
    const job = await story.reaches(jobId, "COMPLETED");
    console.log(`${seconds()} s: COMPLETED after ${killedIn.length - left.size} kills`);
    console.log(job.phases.map(({ phase, attempts }) => `${phase} ${attempts}`).join(", "));
    expect([...left]).toEqual([]);
    expect(
      creations(armLogOf(installation))
        .filter(({ again }) => again > 0)
        .map(({ resourceId }) => resourceId),
    ).toEqual([]);
    for (const { phase, attempts } of job.phases) {
      // Without an engine operation a phase may be over before its kill arrives.
      if (killedIn.includes(phase) && MOMENTS[phase] !== "phase")
        expect(attempts, phase).toBeGreaterThanOrEqual(2);
    }
  },
  20 * MINUTE,
);

test(
  "its rows are on its own server, and only there",
  async () => {
    const { ca } = installation.endpoints();
    const before = rows.tenants.get(tenantId);
    expect((await countRows(dedicated(), ca)).tenants).toEqual(new Map([[tenantId, before]]));
    expect((await countRows(shared(), ca)).tenants).toEqual(new Map());
  },
  MINUTE,
);

test(
  "no engine stays, no stack is locked, and no operation is pending",
  async () => {
    // One that waits for its stack's next operation goes after half a minute without any.
    await until(
      () => Promise.resolve(installation.engineProcesses()),
      (left) => left.length === 0,
      MINUTE,
    );
    const backend = path.join(installation.home, "pulumi", "backend", ".pulumi");
    const files = readdirSync(backend, { recursive: true, withFileTypes: true });
    const locks = files.filter((file) => file.isFile() && file.parentPath.includes(`${path.sep}locks`));
    expect(locks.map(({ name }) => name)).toEqual([]);
    const stack = JSON.parse(await installation.command("pulumi", "stack", "export", "-s", "acme")) as {
      deployment: { pending_operations?: unknown[] };
    };
    expect(stack.deployment.pending_operations ?? []).toEqual([]);
  },
  3 * MINUTE,
);

test(
  "its deletion leaves the world as it was before the tenant",
  async () => {
    await story.deleteTenant(tenantId, "acme");
    expect(await lookAt(installation, "acme")).toEqual(before);
  },
  5 * MINUTE,
);
