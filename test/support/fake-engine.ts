/** A stack engine over a picture of the cloud: previews, applies and destroys like the real one, in no time. */
import type {
  ChangeSet,
  EngineProgress,
  OperationKind,
  OperationOptions,
  PlannedOperation,
  StackEngine,
  StackResource,
} from "../../automation/engine/engine.ts";
import { subtreeOf } from "../../automation/engine/state.ts";
import { tierliftError } from "../../automation/errors.ts";
import type { ProgramRequest } from "../../stacks/spec.ts";
import { declaredBy, DEDICATED_ADDRESS, SLICE_ADDRESS } from "./fake-stack.ts";
import type { FakeResource } from "./fake-stack.ts";

/** What outlives the service: the stacks' resources, whatever was left by an operation that was cut off. */
export interface FakeCloud {
  stacks: Map<string, Map<string, FakeResource>>;
}

export interface FakeEngine extends StackEngine {
  cloud: FakeCloud;
  /** Every call, for example `update acme`, and every operation applied, for example `create infrastructure`. */
  calls: string[];
  applied: string[];
  /** Secrets the programs were given, by stack. */
  secrets: Map<string, ProgramRequest["secrets"]>;
  /** Called before each operation on a resource; what it throws fails that operation and the rest. */
  onApply: (
    stack: string,
    operation: OperationKind,
    resource: FakeResource,
    signal?: AbortSignal,
  ) => Promise<void> | void;
}

export const createFakeCloud = (): FakeCloud => ({ stacks: new Map() });

export function createFakeEngine(cloud: FakeCloud = createFakeCloud()): FakeEngine {
  const stackOf = ({ spec }: ProgramRequest): string =>
    spec.kind === "platform" ? "platform" : spec.tenant.slug;

  function held(stack: string): Map<string, FakeResource> {
    const present = cloud.stacks.get(stack) ?? new Map<string, FakeResource>();
    cloud.stacks.set(stack, present);
    return present;
  }

  async function apply(
    stack: string,
    operations: [OperationKind, FakeResource][],
    options: OperationOptions,
  ) {
    for (const [operation, resource] of operations) {
      await interruptible(stack, options.signal, () =>
        engine.onApply(stack, operation, resource, options.signal),
      );
      const { urn, type, name } = resource;
      options.onProgress?.({ kind: "resource", urn, type, name, operation, state: "started" });
      if (operation === "delete") held(stack).delete(urn);
      else held(stack).set(urn, resource);
      engine.applied.push(`${operation} ${name}`);
      options.onProgress?.({ kind: "resource", urn, type, name, operation, state: "done" });
    }
  }

  const engine: FakeEngine = {
    cloud,
    calls: [],
    applied: [],
    secrets: new Map(),
    onApply: () => undefined,

    preview(request, { signal, onProgress }) {
      const stack = stackOf(request);
      engine.calls.push(`preview ${stack}`);
      return interruptible(stack, signal, () => {
        const changes = changeSetOf(stack, planOf(request.spec, held(stack)));
        onProgress?.({ kind: "log", severity: "info", message: `previewed ${stack}` });
        return changes;
      });
    },

    async update(request, { approve, beforeSwitch, ...options }) {
      const stack = stackOf(request);
      engine.calls.push(`update ${stack}`);
      engine.secrets.set(stack, request.secrets);
      return interruptible(stack, options.signal, async () => {
        const plan = planOf(request.spec, held(stack));
        const changes = changeSetOf(stack, plan);
        approve(changes);
        await beforeSwitch?.(options.signal ?? new AbortController().signal);
        options.onProgress?.({ kind: "planned", resources: plan.length } satisfies EngineProgress);
        await apply(
          stack,
          plan.map(([operation, resource]) => [operation, resource]),
          options,
        );
        return changes;
      });
    },

    async destroy(stack, targets, options) {
      engine.calls.push(`destroy ${stack}`);
      const all = [...held(stack).values()];
      const urns = targets === "all" ? [] : subtreeOf(all.map(shown), targets.components, targets.keep);
      const chosen = all.filter(({ urn }) => targets === "all" || urns.includes(urn));
      await apply(
        stack,
        chosen.reverse().map((resource) => ["delete", resource]),
        options,
      );
      return { deleted: chosen.length };
    },

    remove: (stack) => {
      cloud.stacks.delete(stack);
      return Promise.resolve();
    },
    resources: (stack) => Promise.resolve([...(cloud.stacks.get(stack)?.values() ?? [])].map(shown)),
    outputs: (stack) => Promise.resolve(outputsOf(stack, held(stack))),
    recover: (stack) => {
      engine.calls.push(`recover ${stack}`);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  return engine;
}

/** What the zone's servers answer for a name of the tenant. */
export function dnsAnswer(cloud: FakeCloud, name: string): string[] {
  const slug = name.split(".").at(-3) ?? "";
  const records = [...(cloud.stacks.get(slug)?.values() ?? [])];
  const found = records.find((resource) => resource.name === "@")?.properties["aRecords"] as
    { ipv4Address: string }[] | undefined;
  return (found ?? []).map(({ ipv4Address }) => ipv4Address);
}

type Planned = [OperationKind, FakeResource, PlannedOperation["changes"]];

function planOf(spec: ProgramRequest["spec"], present: Map<string, FakeResource>): Planned[] {
  const wanted = new Map(declaredBy(spec).map((resource) => [resource.urn, resource]));
  const made = [...wanted.values()].flatMap((resource): Planned[] => {
    const before = present.get(resource.urn);
    if (before === undefined) return [["create", resource, []]];
    const changes = Object.keys(resource.properties)
      .filter((path) => JSON.stringify(before.properties[path]) !== JSON.stringify(resource.properties[path]))
      .map((path) => ({ path, kind: "update" as const, replaces: false }));
    return changes.length === 0 ? [] : [["update", resource, changes]];
  });
  const gone = [...present.values()].filter(({ urn }) => !wanted.has(urn));
  return [...made, ...gone.reverse().map((resource): Planned => ["delete", resource, []])];
}

function changeSetOf(stack: string, plan: Planned[]): ChangeSet {
  const operations = plan.map(([operation, { urn, type, name, components }, changes]) => ({
    operation,
    urn,
    type,
    name,
    components,
    changes,
  }));
  const totals = { create: 0, update: 0, replace: 0, delete: 0, read: 0, same: 0 };
  for (const { operation } of operations) totals[operation] += 1;
  const digest = JSON.stringify(operations.map(({ operation, urn }) => [operation, urn]));
  return { stack, operations, totals, digest, createdAt: "2026-01-01T00:00:00.000Z" };
}

function outputsOf(stack: string, present: Map<string, FakeResource>): Record<string, unknown> {
  const postgres = {
    host: "127.0.0.1",
    port: 5432,
    user: "owner",
    password: `password of ${stack}`,
    databases: ["query"],
  };
  const storage = { endpoint: `https://${stack}.blob.test/`, container: "data" };
  const cache = { host: `${stack}.cache.test`, port: 10000, password: `key of ${stack}` };
  const kafka = { bootstrapServers: `${stack}.events.test:9093`, namespace: stack };
  if (stack === "platform") return { postgres, storage, cache, kafka, ingressAddress: SLICE_ADDRESS };
  const stands = (type: string): boolean => [...present.values()].some((resource) => resource.type === type);
  return {
    slice: stands("tierlift:slice:Slice")
      ? { namespace: `tenant-${stack}`, ingressAddress: SLICE_ADDRESS }
      : null,
    dedicated: stands("tierlift:dedicated:Dedicated")
      ? {
          ingressAddress: DEDICATED_ADDRESS,
          postgres,
          storage,
          cache,
          kafka,
          serviceEndpoints: { "bi-service": `https://bi.${stack}.test` },
        }
      : null,
  };
}

function shown({ urn, type, name, parent }: FakeResource): StackResource {
  return {
    urn,
    type,
    name,
    id: `id of ${urn}`,
    custom: !type.startsWith("tierlift:"),
    ...(parent ? { parent } : {}),
  };
}

async function interruptible<T>(
  stack: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T> | T,
): Promise<T> {
  const interrupted = (): never => {
    throw tierliftError("ENGINE_INTERRUPTED", {
      stack,
      detail: "the operation was interrupted before it ended",
    });
  };
  if (signal?.aborted) interrupted();
  const result = await work();
  if (signal?.aborted) interrupted();
  return result;
}
