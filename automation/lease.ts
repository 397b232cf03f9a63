/**
 * Who may work on a tenant's stack. The data folder has one writer, so an owner other than this run of the service is
 * known to be dead; the epoch keeps what such an owner left running from writing once another took over.
 */
import { tierliftError } from "./errors.ts";
import type { Lease, TenantRecord } from "./model.ts";
import type { Clock } from "./ports.ts";
import { untilAborted } from "./serial.ts";
import type { Store } from "./store/store.ts";

export interface HeldLease {
  readonly epoch: number;
  /** Throws LEASE_LOST when another owner has taken over. */
  assertHeld(): void;
  release(): Promise<void>;
}

export interface Leases {
  /**
   * Takes the tenant's lease and keeps renewing it. Other work of this run on the same tenant is waited for: it is
   * about to end, since a tenant has one migration or operation at a time.
   */
  acquire(tenantId: string, signal: AbortSignal): Promise<HeldLease>;
}

export interface LeaseOptions {
  store: Store;
  clock: Clock;
  /** Names this run of the service, for example `PID-UUID`. */
  owner: string;
  heartbeatMs: number;
}

export function createLeases({ store, clock, owner, heartbeatMs }: LeaseOptions): Leases {
  /** Tenants whose lease this run has given out, with the promise of its return. */
  const held = new Map<string, Promise<void>>();

  async function beat(tenantId: string, epoch: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(heartbeatMs, signal);
      await store.tenants.update(tenantId, (draft) => {
        if (draft.lease?.epoch === epoch) draft.lease.heartbeatAt = clock.now().toISOString();
      });
    }
  }

  return {
    async acquire(tenantId, signal) {
      for (;;) {
        signal.throwIfAborted();
        const returned = held.get(tenantId);
        if (returned === undefined) break;
        await Promise.race([returned, untilAborted(signal)]);
      }
      let giveBack: () => void = () => undefined;
      const returned = new Promise<void>((resolve) => (giveBack = resolve));
      held.set(tenantId, returned);
      const end = (): void => {
        held.delete(tenantId);
        giveBack();
      };
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
            try {
              await store.tenants.update(tenantId, (draft) => {
                if (draft.lease?.epoch === epoch) draft.lease = null;
              });
            } finally {
              end();
            }
          },
        };
      } catch (error) {
        end();
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
