/** Tenants as they are asked for: made, found, listed, deleted. What takes time happens after the answer. */
import { tierliftError } from "./errors.ts";
import type { EventLog } from "./events.ts";
import type { Ledger } from "./ledger.ts";
import { limitsOf } from "./limits.ts";
import { isShared } from "./migration/plan.ts";
import { isEnded } from "./migration/states.ts";
import type { Actor, AuditEntry, ProvisioningStatus, Tenant, TenantRecord, TenantStatus } from "./model.ts";
import type { Ports } from "./ports.ts";
import { provisioningStatusOf } from "./provisioning-status.ts";
import { PLATFORM_STACK } from "./requests.ts";
import { createSerial } from "./serial.ts";
import type { Store } from "./store/store.ts";
import type { TenantWork } from "./tenant-work.ts";
import type { Tier } from "../stacks/spec.ts";

export interface NewTenant {
  name: string;
  slug: string;
  tier: Tier;
  region: string;
  adminEmail: string;
}

export interface TenantFilter {
  status?: TenantStatus;
  tier?: Tier;
  region?: string;
  slug?: string;
  /** From 1. */
  page: number;
  /** Tenants on a page. */
  size: number;
  /** By creation, oldest first, when absent. */
  order?: TenantOrder;
}

export interface TenantOrder {
  by: "createdAt" | "updatedAt" | "slug" | "name";
  descending: boolean;
}

export interface TenantPage {
  tenants: Tenant[];
  page: number;
  size: number;
  total: number;
}

export interface Tenants {
  /** Answers at once; the slice is made in the background. Throws SLUG_TAKEN, SLUG_RESERVED, DEDICATED_AT_CREATION. */
  create(tenant: NewTenant, actor: Actor): Promise<Tenant>;
  /** Throws TENANT_NOT_FOUND. */
  get(tenantId: string): Tenant;
  /** Tenants that are deleted are left out unless they are asked for by status. */
  list(filter: TenantFilter): TenantPage;
  /** Destroys everything of the tenant in the background; `confirmation` is its slug. Its history is kept. */
  delete(tenantId: string, confirmation: string, actor: Actor): Promise<Tenant>;
  /** Makes the slice again after it failed. */
  retryProvisioning(tenantId: string, actor: Actor): Promise<Tenant>;
  /** Of the active migration, or else of what was done last. Throws NO_PROVISIONING. */
  provisioningStatus(tenantId: string): Promise<ProvisioningStatus>;
  audit(tenantId: string): Promise<AuditEntry[]>;
}

export interface TenantsOptions {
  store: Store;
  ledger: Ledger;
  events: EventLog;
  work: Pick<TenantWork, "begin">;
  ports: Pick<Ports, "clock" | "newId">;
}

/** Names that mean something else where a tenant's slug would stand. */
const RESERVED_SLUGS: readonly string[] = [PLATFORM_STACK, "next", "www", "api"];

export function createTenants({ store, ledger, events, work, ports }: TenantsOptions): Tenants {
  const inTurn = createSerial();
  const now = (): string => ports.clock.now().toISOString();

  function find(tenantId: string): TenantRecord {
    const tenant = store.tenants.get(tenantId);
    if (tenant === undefined) throw tierliftError("TENANT_NOT_FOUND", { tenantId });
    return tenant;
  }

  return {
    create: (input, actor) =>
      inTurn(`slug ${input.slug}`, async () => {
        const { slug, tier } = input;
        if (RESERVED_SLUGS.includes(slug)) throw tierliftError("SLUG_RESERVED", { slug });
        if (!isShared(tier)) throw tierliftError("DEDICATED_AT_CREATION", { tier });
        const taken = store.tenants.list((other) => other.slug === slug && other.status !== "DELETED");
        if (taken.length > 0) throw tierliftError("SLUG_TAKEN", { slug });
        const at = now();
        const tenant = await ledger.createTenant(
          {
            id: ports.newId(),
            ...input,
            status: "PROVISIONING",
            limits: limitsOf(tier),
            serviceEndpoints: {},
            createdAt: at,
            updatedAt: at,
            lease: null,
            leaseEpoch: 0,
            dedicated: null,
            outbox: [],
          },
          { actor, action: "create" },
        );
        await work.begin(tenant.id, "PROVISION_SLICE");
        return shown(tenant);
      }),

    get: (tenantId) => shown(find(tenantId)),

    list({ status, tier, region, slug, page, size, order }) {
      const { by, descending } = order ?? { by: "createdAt", descending: false };
      const found = store.tenants
        .list(
          (tenant) =>
            (status === undefined ? tenant.status !== "DELETED" : tenant.status === status) &&
            (tier === undefined || tenant.tier === tier) &&
            (region === undefined || tenant.region === region) &&
            (slug === undefined || tenant.slug === slug),
        )
        .sort((a, b) => a[by].localeCompare(b[by]) * (descending ? -1 : 1) || a.id.localeCompare(b.id));
      const tenants = found.slice((page - 1) * size, page * size).map(shown);
      return { tenants, page, size, total: found.length };
    },

    delete: (tenantId, confirmation, actor) =>
      inTurn(tenantId, async () => {
        const { slug, status } = find(tenantId);
        if (confirmation !== slug) throw tierliftError("CONFIRMATION_MISMATCH", { slug });
        const active = store.migrations.list(
          ({ job }) => job.tenantId === tenantId && !isEnded(job.status),
        )[0]?.job;
        if (active !== undefined)
          throw tierliftError("MIGRATION_ACTIVE", { slug, jobId: active.id, status: active.status });
        const running = store.operations.list(
          (other) => other.tenantId === tenantId && other.status === "RUNNING",
        );
        if (running.length > 0 || status === "DELETED") {
          throw tierliftError("TENANT_NOT_READY", { slug, status, needed: "ACTIVE or PROVISIONING_FAILED" });
        }
        const tenant = await ledger.changeTenant(tenantId, { actor, action: "delete" }, (draft) => {
          draft.status = "DELETING";
        });
        await work.begin(tenantId, "DELETE_TENANT");
        return shown(tenant);
      }),

    retryProvisioning: (tenantId, actor) =>
      inTurn(tenantId, async () => {
        find(tenantId);
        const tenant = await ledger.changeTenant(
          tenantId,
          { actor, action: "retry provisioning" },
          (draft) => {
            const { slug, status } = draft;
            if (status !== "PROVISIONING_FAILED") {
              throw tierliftError("TENANT_NOT_READY", { slug, status, needed: "PROVISIONING_FAILED" });
            }
            draft.status = "PROVISIONING";
          },
        );
        await work.begin(tenantId, "PROVISION_SLICE");
        return shown(tenant);
      }),

    async provisioningStatus(tenantId) {
      const tenant = find(tenantId);
      return provisioningStatusOf({
        tenant,
        migrations: store.migrations.list(({ job }) => job.tenantId === tenantId).map(({ job }) => job),
        operations: store.operations.list((operation) => operation.tenantId === tenantId),
        past: {
          migrations: store.migrations.list(({ job }) => job.status === "COMPLETED").map(({ job }) => job),
          operations: store.operations.list(({ status }) => status === "DONE"),
        },
        recent: await events.recent(tenantId),
        now: ports.clock.now(),
      });
    },

    audit(tenantId) {
      return ledger.trail(find(tenantId));
    },
  };
}

/** A tenant without what only the service needs. */
function shown(tenant: TenantRecord): Tenant {
  const { id, slug, name, tier, region, adminEmail, status, limits, serviceEndpoints, createdAt, updatedAt } =
    tenant;
  return { id, slug, name, tier, region, adminEmail, status, limits, serviceEndpoints, createdAt, updatedAt };
}
