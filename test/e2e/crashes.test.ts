/**
 * One migration whose service is killed in the middle of every phase, on the real engine and real servers: each time it
 * goes on after the next start, and nothing is made twice.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PHASES } from "../../automation/model.ts";
import type { Phase, TierliftEvent } from "../../automation/model.ts";
import { countRows, createTables, writeRows } from "../../commands/demo/rows.ts";
import type { RowCounts } from "../../commands/demo/rows.ts";
import { madeTwice, readArmLog } from "../support/arm-log.ts";
import { Halves } from "./halves.ts";
import { until } from "./installation.ts";
import { Story } from "./migration.ts";

const MINUTE = 60_000;
const ROWS = 20;

type Killed = "service" | "service and engines" | "everything";

/** The moment of each phase: an operation on a resource of this type has begun, or the phase has. */
const MOMENTS: Record<Phase, { on: RegExp | "engine" | "phase"; killed: Killed }> = {
  VALIDATING_SERVICE_PRINCIPAL: { on: "phase", killed: "service" },
  ACQUIRING_TF_LOCK: { on: "phase", killed: "service" },
  PREVIEWING_CHANGES: { on: "engine", killed: "service and engines" },
  PROVISIONING_INFRASTRUCTURE: { on: /:ManagedCluster$/, killed: "service and engines" },
  CREATING_K8S_RESOURCES: { on: /:NetworkPolicy$/, killed: "service" },
  DEPLOYING_SERVICES: { on: /:Deployment$/, killed: "everything" },
  CONFIGURING_DNS_AND_INGRESS: { on: /:RecordSet$/, killed: "service and engines" },
  MIGRATING_DATA: { on: /:Command$/, killed: "service and engines" },
  SETTING_UP_OBSERVABILITY: { on: /:RoleAssignment$/, killed: "service" },
  VERIFYING_DEPLOYMENT: { on: "phase", killed: "service" },
  CUTTING_OVER: { on: /:RecordSet$/, killed: "service and engines" },
  DECOMMISSIONING_SHARED: { on: /:Deployment$/, killed: "service and engines" },
};

const installation = new Halves();
let story: Story;
let tenantId: string;
let rows: RowCounts;

const shared = () =>
  installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes("platform"))!;
const dedicated = () =>
  installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes("acme"))!;

beforeAll(async () => {
  await installation.start();
  story = new Story(installation, await installation.token(["PLATFORM_ADMIN"]));
  tenantId = await story.createTenant("acme", "STARTER");
  const { ca } = installation.endpoints();
  await createTables(shared(), ca);
  await writeRows(shared(), ca, tenantId, ROWS);
  rows = await countRows(shared(), ca);
}, 10 * MINUTE);

afterAll(async () => {
  await installation.stop();
  if (process.env["TIERLIFT_E2E_KEEP"] === undefined) installation.remove();
}, 2 * MINUTE);

const isMoment = ({ type, data }: TierliftEvent, on: RegExp | "engine" | "phase"): boolean => {
  if (on instanceof RegExp)
    return type === "resource" && data["state"] === "started" && on.test(String(data["type"]));
  return type === "phase" && data["state"] === "started";
};

async function killAndStart(killed: Killed): Promise<void> {
  if (killed === "service") await installation.killService();
  else await installation.killServiceAndEngines();
  if (killed === "everything") {
    await installation.killCloud();
    await installation.startCloud();
  }
  await installation.startService();
}

const untilEngineRuns = () =>
  until(
    () => Promise.resolve(installation.engineProcesses()),
    (running) => running.length > 0,
    MINUTE,
  );

test(
  "a migration whose service is killed in each of its phases completes, and nothing is made twice",
  async () => {
    const startedMs = performance.now();
    const seconds = (): string => ((performance.now() - startedMs) / 1000).toFixed(0);
    const end = new AbortController();
    const jobId = await story.upgrade(tenantId, "PROFESSIONAL");
    const left = new Set<Phase>(PHASES);
    const kill = async (phase: Phase): Promise<void> => {
      const { on, killed } = MOMENTS[phase];
      left.delete(phase);
      if (on === "engine") await untilEngineRuns();
      await killAndStart(killed);
      console.log(`${seconds()} s: ${phase}: killed ${killed} and started again`);
    };
    // The first phase has begun before anyone could follow it.
    await kill("VALIDATING_SERVICE_PRINCIPAL");
    for await (const event of story.events(tenantId, end.signal)) {
      const phase = event.data["phase"] as Phase | undefined;
      if (event.type === "status" && event.data["status"] === "VERIFICATION") await story.complete(jobId);
      if (phase !== undefined && left.has(phase) && isMoment(event, MOMENTS[phase].on)) await kill(phase);
      if (event.type === "status" && event.data["status"] === "FAILED") break;
    }
    end.abort();
    const job = await story.reaches(jobId, "COMPLETED");
    console.log(`${seconds()} s: COMPLETED after ${PHASES.length - left.size} kills`);
    console.log(job.phases.map(({ phase, attempts }) => `${phase} ${attempts}`).join(", "));
    expect([...left]).toEqual([]);
    expect(madeTwice(readArmLog(installation.home))).toEqual([]);
    for (const { phase, attempts } of job.phases) {
      expect(attempts, phase).toBeGreaterThanOrEqual(phase === "VALIDATING_SERVICE_PRINCIPAL" ? 1 : 2);
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
  "no engine runs, no stack is locked, and no operation is pending",
  async () => {
    expect(installation.engineProcesses()).toEqual([]);
    const backend = path.join(installation.home, "pulumi", "backend", ".pulumi");
    const files = readdirSync(backend, { recursive: true, withFileTypes: true });
    const locks = files.filter((file) => file.isFile() && file.parentPath.includes(`${path.sep}locks`));
    expect(locks.map(({ name }) => name)).toEqual([]);
    const stack = JSON.parse(await installation.command("pulumi", "stack", "export", "-s", "acme")) as {
      deployment: { pending_operations?: unknown[] };
    };
    expect(stack.deployment.pending_operations ?? []).toEqual([]);
  },
  MINUTE,
);
