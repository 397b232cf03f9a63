/**
 * A whole upgrade in a cloud that refuses, throttles and loses, by plans, for one resource of each kind; then one in
 * which each of them fails for good. On the real engine and real servers.
 */
import { describe, expect, it } from "vitest";
import { creations } from "../../local/arm/request-log.ts";
import type { RequestLine } from "../../local/arm/request-log.ts";
import type { Phase } from "../../automation/model.ts";
import { secondsSince } from "./beginning.ts";
import { tellChapters } from "./chapters.ts";
import { Operator } from "./operator.ts";
import type { Rule } from "./operator.ts";
import { isFull, WHY_NOT } from "./scope.ts";
import { armLogOf, lookAt } from "./world.ts";

const MINUTE = 60_000;
const PHASE_TRIES = 3;

/** Requests that make one of each kind, and the phase they belong to. */
const MAKING = {
  cluster: {
    match: arm("Microsoft.ContainerService/managedClusters", "*/aks-acme*"),
    phase: "PROVISIONING_INFRASTRUCTURE",
  },
  server: {
    match: arm("Microsoft.DBforPostgreSQL/flexibleServers", "*/psql-acme*"),
    phase: "PROVISIONING_INFRASTRUCTURE",
  },
  role: {
    match: arm("Microsoft.Authorization/roleAssignments", "*/resourceGroups/rg-tierlift-acme/*"),
    phase: "PROVISIONING_INFRASTRUCTURE",
  },
  deployment: {
    match: {
      kubernetes: {
        cluster: "aks-acme*",
        resource: "deployments.apps",
        verbs: ["patch"],
        name: "query-engine",
      },
    },
    phase: "DEPLOYING_SERVICES",
  },
  record: {
    match: arm("Microsoft.Network/dnsZones/A", "*/acme.matih.ai/A/next"),
    phase: "CONFIGURING_DNS_AND_INGRESS",
  },
} as const satisfies Record<string, { match: object; phase: Phase }>;
type Kind = keyof typeof MAKING;
const KINDS = Object.keys(MAKING) as Kind[];

function arm(type: string, id: string) {
  return { type, id, calls: ["PUT"] } as const;
}

const { installation, begun } = tellChapters("STARTER");
const operator = new Operator(installation);
const rule = (kind: Kind, effect: Rule["effect"], times?: number): Rule => ({
  match: structuredClone(MAKING[kind].match) as unknown as Rule["match"],
  effect,
  ...(times === undefined ? {} : { times }),
});

const plansOf = (name: string, effect: Rule["effect"], times?: number): [string, Rule][] =>
  KINDS.map((kind) => [`${name}-${kind}`, rule(kind, effect, times)]);

/** Statuses with which requests that a plan is about were answered, by resource. */
function answersTo(kind: Kind, lines: RequestLine[]): number[][] {
  const match: object = MAKING[kind].match;
  if (!("type" in match)) return [];
  const byId = new Map<string, number[]>();
  for (const { call, type, resourceId = "", status } of lines) {
    if (call !== "PUT" || type?.toLowerCase() !== String(match.type).toLowerCase()) continue;
    const id = resourceId.toLowerCase();
    byId.set(id, [...(byId.get(id) ?? []), status]);
  }
  return [...byId.values()];
}

const madeTwice = (lines: RequestLine[]): string[] =>
  creations(lines)
    .filter(({ again }) => again > 0)
    .map(({ resourceId }) => resourceId);

describe("a tenant in a cloud that fails", { timeout: 15 * MINUTE }, () => {
  let jobId: string;

  it("is provisioned although each kind is throttled, refused and answered too late, once", async () => {
    const { story, tenantId } = begun();
    const startedMs = performance.now();
    const from = armLogOf(installation).length;
    // Of the plans that match, the first that is not spent takes effect: one after the other for each kind.
    const plans = Object.fromEntries([
      ...plansOf("throttled", { kind: "throttle", retryAfterSeconds: 1.5 }, 1),
      ...plansOf("refused", { kind: "fail", status: 503, code: "ServerBusy" }, 1),
      ...plansOf("late", { kind: "timeout", when: "done" }, 1),
    ]);
    await operator.plan(plans);
    jobId = await story.upgrade(tenantId, "PROFESSIONAL");
    const { phases } = await story.reaches(jobId, "VERIFICATION");
    console.log(`VERIFICATION in ${secondsSince(startedMs)} s`);
    console.log(phases.map(({ phase, attempts }) => `${phase} ${attempts}`).join(", "));
    const uses = await operator.uses();
    expect(uses).toEqual(Object.fromEntries(Object.keys(plans).map((name) => [name, 1])));
    const lines = armLogOf(installation).slice(from);
    for (const kind of KINDS.filter((one) => one !== "deployment")) {
      // Several of a kind may be made at once: each plan then meets another one of them.
      const hit = answersTo(kind, lines).filter((statuses) => statuses.some((status) => status >= 400));
      console.log(`${kind}: ${hit.map((statuses) => statuses.join(" ")).join(", ")}`);
      expect(hit.flat(), kind).toEqual(expect.arrayContaining([429, 503, 504]));
      for (const statuses of hit) expect(statuses.at(-1), kind).toBeLessThan(300);
    }
    expect(madeTwice(lines)).toEqual([]);
  });

  it("waits as long as it is told to before it asks again", () => {
    const lines = armLogOf(installation).map(({ resourceId = "", ...line }) => ({
      ...line,
      resourceId: resourceId.toLowerCase(),
    }));
    const throttled = lines.filter(({ status }) => status === 429);
    expect(throttled.length).toBeGreaterThanOrEqual(KINDS.length - 1);
    for (const one of throttled) {
      const next = lines.find(
        ({ time, call, resourceId }) => time > one.time && call === one.call && resourceId === one.resourceId,
      );
      const waitedMs = Date.parse(next?.time ?? "") - Date.parse(one.time);
      expect(waitedMs, one.resourceId).toBeGreaterThanOrEqual(1400);
    }
  });

  it("goes back in VERIFICATION to where it was", async () => {
    const { story, before } = begun();
    await operator.plan({});
    await story.rollback(jobId);
    await story.reaches(jobId, "ROLLED_BACK");
    expect(await lookAt(installation, "acme")).toEqual(before);
  });

  it("has FAILED with the reason where a kind fails for good, one after the other", async (context) => {
    if (!isFull()) context.skip(WHY_NOT);
    const { story, tenantId } = begun();
    const fails = { kind: "fail", status: 500, code: "InternalServerError" } as const;
    jobId = "";
    for (const kind of KINDS) {
      const startedMs = performance.now();
      await operator.plan({ [kind]: rule(kind, { ...fails, message: `no ${kind} today` }) });
      if (jobId === "") jobId = await story.upgrade(tenantId, "PROFESSIONAL");
      else await story.retry(jobId);
      const { error, phases } = await story.reaches(jobId, "FAILED");
      console.log(`${kind}: FAILED in ${secondsSince(startedMs)} s: ${error?.message.slice(0, 200)}`);
      expect(error?.phase, kind).toBe(MAKING[kind].phase);
      expect(error?.message, kind).toContain(`no ${kind} today`);
      expect(phases.find(({ phase }) => phase === error?.phase)?.failures, kind).toBe(PHASE_TRIES);
    }
  });

  it("goes back from FAILED to where it was", async (context) => {
    if (!isFull()) context.skip(WHY_NOT);
    const { story, before } = begun();
    await operator.plan({});
    await story.rollback(jobId);
    await story.reaches(jobId, "ROLLED_BACK");
    expect(await lookAt(installation, "acme")).toEqual(before);
    expect(madeTwice(armLogOf(installation))).toEqual([]);
  });
});
