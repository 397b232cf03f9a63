/**
 * Who may work on a tenant's stack. The data folder has one writer, so an owner other than this run of the service is
 * known to be dead; the epoch keeps what such an owner left running from writing once another took over.
 */
import { tierliftError } from "./errors.ts";
import type { Lease, TenantRecord } from "./model.ts";
import type { Clock } from "./ports.ts";
import type { Store } from "./store/store.ts";

export interface HeldLease {
  readonly epoch: number;
  /** Throws LEASE_LOST when another owner has taken over. */
  assertHeld(): void;
  release(): Promise<void>;
}

export interface Leases {
  /** Takes the tenant's lease and keeps renewing it. Throws LEASE_HELD while this run already has it given out. */
  acquire(tenantId: string): Promise<HeldLease>;
}

export interface LeaseOptions {
  store: Store;
  clock: Clock;
  /** Names this run of the service, for example `PID-UUID`. */
  owner: string;
  heartbeatMs: number;
}

export function createLeases({ store, clock, owner, heartbeatMs }: LeaseOptions): Leases {
  const held = new Set<string>();

  async function beat(tenantId: string, epoch: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(heartbeatMs, signal);
      await store.tenants.update(tenantId, (draft) => {
        if (draft.lease?.epoch === epoch) draft.lease.heartbeatAt = clock.now().toISOString();
      });
    }
  }

  return {
    async acquire(tenantId) {
      if (held.has(tenantId)) throw tierliftError("LEASE_HELD", { tenantId, owner });
      held.add(tenantId);
      try {
        const { leaseEpoch: epoch } = await store.tenants.update(tenantId, (draft) =>
          grant(draft, owner, clock),
        );
        const stop = new AbortController();
        beat(tenantId, epoch, stop.signal).catch(() => undefined);
        return {
          epoch,
          assertHeld() {
            if (store.tenants.get(tenantId)?.leaseEpoch !== epoch)
              throw tierliftError("LEASE_LOST", { tenantId, epoch });
          },
          async release() {
            stop.abort();
            held.delete(tenantId);
            await store.tenants.update(tenantId, (draft) => {
              if (draft.lease?.epoch === epoch) draft.lease = null;
            });
          },
        };
      } catch (error) {
        held.delete(tenantId);
        throw error;
      }
    },
  };
}

function grant(tenant: TenantRecord, owner: string, clock: Clock): void {
  const now = clock.now().toISOString();
  tenant.leaseEpoch += 1;
  const lease: Lease = { owner, epoch: tenant.leaseEpoch, acquiredAt: now, heartbeatAt: now };
  tenant.lease = lease;
}
