/** A tenant's own work, outside the request that asked for it: its slice is made, or everything of it destroyed. */
import { withDeadline } from "./deadline.ts";
import type { OperationOptions, StackEngine } from "./engine/engine.ts";
import { asTierliftError, tierliftError } from "./errors.ts";
import type { TierliftError } from "./errors.ts";
import type { EventLog } from "./events.ts";
import type { Leases } from "./lease.ts";
import { bySystem } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
import type { Logger } from "./logger.ts";
import { assertAllowed } from "./migration/allowed.ts";
import { restSpec } from "./migration/specs.ts";
import type { Operation, TenantRecord, TenantStatus } from "./model.ts";
import { clusterAddressOf, serviceEndpointsOf } from "./outputs.ts";
import type { InventoryContext, Ports, VerificationReport } from "./ports.ts";
import { createProgress } from "./progress.ts";
import { PLATFORM_STACK, tenantRequest } from "./requests.ts";
import { untilAborted } from "./serial.ts";
import type { TierliftSettings } from "./settings.ts";
import type { Store } from "./store/store.ts";
import { checkInventory, problemsOf } from "./verification/undo-report.ts";

export interface TenantWorkOptions {
  store: Store;
  ledger: Ledger;
  events: EventLog;
  leases: Leases;
  engine: StackEngine;
  ports: Ports;
  settings: TierliftSettings;
  logger: Logger;
  platformReady: Promise<void>;
}

export interface TenantWork {
  /** Goes on with what an earlier run of the service began. */
  start(): Promise<void>;
  /** Stores the operation and does it in the background; its tenant has the status that goes with it. */
  begin(tenantId: string, kind: Operation["kind"]): Promise<void>;
  stop(): Promise<void>;
}

/** Under which name the report of a tenant's deletion is kept. */
export const deletionReportKey = (tenantId: string): string => `${tenantId}.deletion-report`;

/** What becomes of the tenant when an operation of the kind succeeds or fails. */
const OUTCOMES = {
  PROVISION_SLICE: { DONE: "ACTIVE", FAILED: "PROVISIONING_FAILED" },
  // Half of it may be gone: it stays on its way out until the deletion is asked for again.
  DELETE_TENANT: { DONE: "DELETED", FAILED: "DELETING" },
} as const satisfies Record<Operation["kind"], Record<"DONE" | "FAILED", TenantStatus>>;

const STATUS_DURING = {
  PROVISION_SLICE: "PROVISIONING",
  DELETE_TENANT: "DELETING",
} as const satisfies Record<Operation["kind"], TenantStatus>;
const OPERATION_KINDS = Object.keys(STATUS_DURING) as Operation["kind"][];

export function createTenantWork(options: TenantWorkOptions): TenantWork {
  const { store, ledger, events, leases, engine, ports, settings, logger, platformReady } = options;
  const stopping = new AbortController();
  const readyOrStopping = Promise.race([platformReady, untilAborted(stopping.signal)]);
  readyOrStopping.catch(() => undefined); // it is told where it is awaited
  const running = new Map<string, Promise<void>>();
  const now = (): string => ports.clock.now().toISOString();

  function wake(operationId: string): void {
    if (stopping.signal.aborted || running.has(operationId)) return;
    const work = run(operationId)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted)
          logger.error({ err: error, operationId }, "a tenant's work ended unexpectedly");
      })
      .finally(() => running.delete(operationId));
    running.set(operationId, work);
  }

  async function run(operationId: string): Promise<void> {
    await readyOrStopping;
    const operation = store.operations.get(operationId);
    if (operation?.status !== "RUNNING" || stopping.signal.aborted) return;
    if (store.tenants.get(operation.tenantId)?.status !== STATUS_DURING[operation.kind]) {
      // A crash came between the tenant's new status and the operation's: the work itself was over.
      await close(operation, undefined);
      return;
    }
    const lease = await leases.acquire(operation.tenantId, stopping.signal);
    try {
      const failure = await tryAll(operation);
      if (!stopping.signal.aborted) await finish(operation, failure);
    } finally {
      await lease.release();
    }
  }

  async function tryAll(operation: Operation): Promise<TierliftError | undefined> {
    for (const delay of [...settings.retryDelaysMs, undefined]) {
      try {
        await tryOnce(operation);
        return undefined;
      } catch (error) {
        const failure = asTierliftError(error);
        logger.warn(
          { err: failure, tenantId: operation.tenantId, kind: operation.kind },
          "a tenant's work failed",
        );
        if (!failure.retryable || delay === undefined || stopping.signal.aborted) return failure;
        await ports.clock.sleep(delay, stopping.signal).catch(() => undefined);
      }
    }
    return undefined;
  }

  async function tryOnce({ id, kind, tenantId }: Operation): Promise<void> {
    const tenant = store.tenants.get(tenantId);
    if (tenant === undefined) throw new Error(`operation ${id} is of the unknown tenant ${tenantId}`);
    const timeoutMs = settings.phaseTimeoutMs.default;
    const progress = createProgress({
      events,
      clock: ports.clock,
      tenantId,
      label: { operation: kind },
      writeEveryMs: settings.progressWriteMs,
      write: (counts) => store.operations.update(id, (draft) => void Object.assign(draft, counts)),
      onError: (error) => logger.warn({ err: error, tenantId }, "progress was not written"),
    });
    try {
      await withDeadline({ what: kind, timeoutMs, signal: stopping.signal }, (signal) =>
        WORK[kind](tenant, signal, { onProgress: progress.onProgress, signal, timeoutMs }),
      );
    } finally {
      const counts = await progress.finish();
      await store.operations.update(id, (draft) => void Object.assign(draft, counts));
    }
  }

  async function finish(
    { id, kind, tenantId }: Operation,
    failure: TierliftError | undefined,
  ): Promise<void> {
    const status = failure === undefined ? "DONE" : "FAILED";
    await ledger.changeTenant(tenantId, bySystem(`${kind} ${status}`, failure?.message), (draft) => {
      draft.status = OUTCOMES[kind][status];
    });
    await close({ id, kind, tenantId }, failure);
  }

  async function close(
    { id, kind, tenantId }: Pick<Operation, "id" | "kind" | "tenantId">,
    failure: TierliftError | undefined,
  ): Promise<void> {
    const status = failure === undefined ? "DONE" : "FAILED";
    await store.operations.update(id, (draft) => {
      draft.status = status;
      draft.finishedAt = now();
      if (failure !== undefined) draft.error = { code: failure.code, message: failure.message };
    });
    await events.emit(tenantId, { type: "end", data: { operation: kind, status } });
  }

  /** Begins an operation; its caller has given the tenant the status that goes with it. */
  async function begin(tenantId: string, kind: Operation["kind"]): Promise<void> {
    const id = ports.newId();
    await store.operations.create({ id, tenantId, kind, status: "RUNNING", startedAt: now() });
    wake(id);
  }

  type Work = (tenant: TenantRecord, signal: AbortSignal, operation: OperationOptions) => Promise<void>;
  const WORK: Record<Operation["kind"], Work> = {
    PROVISION_SLICE: async (tenant, signal, operation) => {
      const request = await tenantRequest(restSpec(tenant, settings), undefined, { ports, settings, signal });
      await engine.recover(tenant.slug, request, operation);
      await engine.update(request, { ...operation, approve: (changes) => assertAllowed("slice", changes) });
      const serviceEndpoints = serviceEndpointsOf(await engine.outputs(tenant.slug));
      await store.tenants.update(tenant.id, (draft) => {
        draft.serviceEndpoints = serviceEndpoints;
      });
    },
    DELETE_TENANT: async (tenant, signal, operation) => {
      await engine.recover(tenant.slug, null, operation);
      const asked = await inventoryBefore(tenant, signal);
      await engine.destroy(tenant.slug, "all", operation);
      await checkDeleted(asked);
      await engine.remove(tenant.slug);
      await store.tenants.update(tenant.id, (draft) => {
        draft.dedicated = null;
        draft.serviceEndpoints = {};
      });
    },
  };

  /** What the places are asked with afterwards; a stack that is gone already says nothing of its cluster. */
  async function inventoryBefore(tenant: TenantRecord, signal: AbortSignal): Promise<InventoryContext> {
    const isThere = (await engine.resources(tenant.slug)).length > 0;
    const cluster = isThere ? clusterAddressOf(await engine.outputs(tenant.slug)) : undefined;
    return {
      tenant,
      credentials: tenant.dedicated?.credentials,
      clusters: cluster === undefined ? [] : [cluster],
      platformOutputs: await engine.outputs(PLATFORM_STACK),
      scope: "everything",
      signal,
    };
  }

  /** Nothing of the tenant is left anywhere, or DELETION_INCOMPLETE says what. The report is kept. */
  async function checkDeleted(asked: InventoryContext): Promise<void> {
    const { tenant } = asked;
    const startedAt = now();
    const inventory = await ports.takeInventory(asked);
    const left = (await engine.resources(tenant.slug)).map(({ urn }) => `${urn} still exists`);
    const checks = checkInventory({
      ...inventory,
      answers: [{ place: "the engine's state", left }, ...inventory.answers],
    });
    const passed = checks.every((check) => check.passed);
    const report: VerificationReport = { checks, passed, startedAt, finishedAt: now() };
    await store.artifacts.put(deletionReportKey(tenant.id), report);
    if (!passed) {
      throw tierliftError("DELETION_INCOMPLETE", { slug: tenant.slug, problems: problemsOf(checks) });
    }
  }

  return {
    async start() {
      const unfinished = store.operations.list(({ status }) => status === "RUNNING");
      for (const { id } of unfinished) wake(id);
      const busy = new Set(unfinished.map(({ tenantId }) => tenantId));
      for (const kind of OPERATION_KINDS) {
        // A crash came before the operation was stored, or a deletion failed: it is not left half done.
        const waiting = store.tenants.list(
          ({ id, status }) => status === STATUS_DURING[kind] && !busy.has(id),
        );
        for (const { id } of waiting) await begin(id, kind);
      }
    },
    begin,
    async stop() {
      stopping.abort(new Error("the service stops"));
      await Promise.all(running.values());
    },
  };
}
