/**
 * The one way to change the state of a tenant or a migration: the change, its audit entry and its event belong
 * together. The entry is written with the document first; what a crash or a full disk keeps from the trail goes there
 * at the next change or start.
 */
import { createEntry, SYSTEM } from "./audit.ts";
import type { EventLog } from "./events.ts";
import type { Actor, Audited, AuditEntry, MigrationRecord, TenantRecord, TierMigrationJob } from "./model.ts";
import { isEnded } from "./migration/states.ts";
import type { Clock } from "./ports.ts";
import { createSerial } from "./serial.ts";
import type { Collection, Store } from "./store/store.ts";

/** Who changes what and why. */
export interface Cause {
  actor: Actor;
  action: string;
  reason?: string | undefined;
}

export const bySystem = (action: string, reason?: string): Cause => ({ actor: SYSTEM, action, reason });

export interface Ledger {
  tenant(id: string): TenantRecord | undefined;
  createTenant(tenant: TenantRecord, cause: Cause): Promise<TenantRecord>;
  createMigration(migration: MigrationRecord, cause: Cause): Promise<MigrationRecord>;
  /** `change` edits a copy; what it throws leaves everything as it was. */
  changeTenant(id: string, cause: Cause, change: (draft: TenantRecord) => void): Promise<TenantRecord>;
  changeMigration(
    id: string,
    cause: Cause,
    change: (draft: MigrationRecord) => void,
  ): Promise<MigrationRecord>;
  /** A tenant's or migration's whole trail, with the entry that is on its way there. */
  trail(subject: Audited & { id: string }): Promise<AuditEntry[]>;
  /** Completes the trails that a crash left one entry short. */
  settle(): Promise<void>;
  /** Called with every migration that changed, after the change is durable; returns how to end it. */
  onMigration(listener: (migration: MigrationRecord) => void): () => void;
}

interface Kind<T extends Audited & { id: string }> {
  collection: Collection<T>;
  tenantId: (document: T) => string;
  state: (document: T) => string;
  /** Writes when it was changed. */
  stamp: (document: T, at: string) => void;
  /** Tells the tenant's followers what became of the state `from`. */
  announce: (document: T, from: string | null, reason: string | null) => Promise<unknown>;
}

export function createLedger({
  store,
  events,
  clock,
}: {
  store: Store;
  events: EventLog;
  clock: Clock;
}): Ledger {
  const inTurn = createSerial();
  const listeners = new Set<(migration: MigrationRecord) => void>();
  const tenants = tenantKind(store, events);
  const migrations = migrationKind(store, events);

  /** The event goes first: a trail that is complete then means that everyone was told. */
  async function publish<T extends Audited & { id: string }>(kind: Kind<T>, document: T): Promise<void> {
    const written = (await store.audit.last(document.id))?.seq ?? 0;
    for (const entry of document.outbox.filter(({ seq }) => seq > written)) {
      await kind.announce(document, entry.from, entry.reason);
      await store.audit.append(document.id, [entry]);
    }
  }

  function create<T extends Audited & { id: string }>(kind: Kind<T>, document: T, cause: Cause): Promise<T> {
    return inTurn(document.id, async () => {
      const created = await kind.collection.create({
        ...document,
        outbox: [entryOf(kind, document, null, cause)],
      });
      await publish(kind, created);
      return created;
    });
  }

  function change<T extends Audited & { id: string }>(
    kind: Kind<T>,
    id: string,
    cause: Cause,
    edit: (draft: T) => void,
  ): Promise<T> {
    return inTurn(id, async () => {
      const present = kind.collection.get(id);
      if (present !== undefined) await publish(kind, present);
      const changed = await kind.collection.update(id, (draft) => {
        const from = kind.state(draft);
        edit(draft);
        kind.stamp(draft, clock.now().toISOString());
        draft.outbox = [entryOf(kind, draft, from, cause)];
      });
      await publish(kind, changed);
      return changed;
    });
  }

  function entryOf<T extends Audited & { id: string }>(
    kind: Kind<T>,
    document: T,
    from: string | null,
    cause: Cause,
  ) {
    return createEntry(document.outbox.at(-1), {
      subject: document.id,
      tenantId: kind.tenantId(document),
      at: clock.now().toISOString(),
      actor: cause.actor.subject,
      roles: cause.actor.roles,
      action: cause.action,
      from,
      to: kind.state(document),
      reason: cause.reason ?? null,
    });
  }

  function tell(migration: MigrationRecord): MigrationRecord {
    for (const listener of listeners) listener(migration);
    return migration;
  }

  return {
    tenant: (id) => store.tenants.get(id),
    createTenant: (tenant, cause) => create(tenants, tenant, cause),
    createMigration: async (migration, cause) => tell(await create(migrations, migration, cause)),
    changeTenant: (id, cause, edit) => change(tenants, id, cause, edit),
    changeMigration: async (id, cause, edit) => tell(await change(migrations, id, cause, edit)),
    async trail({ id, outbox }) {
      const written = await store.audit.read(id);
      const last = written.at(-1)?.seq ?? 0;
      return [...written, ...outbox.filter(({ seq }) => seq > last)];
    },
    async settle() {
      for (const tenant of store.tenants.list()) await publish(tenants, tenant);
      for (const migration of store.migrations.list()) await publish(migrations, migration);
    },
    onMigration(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function tenantKind(store: Store, events: EventLog): Kind<TenantRecord> {
  return {
    collection: store.tenants,
    tenantId: ({ id }) => id,
    state: ({ status }) => status,
    stamp: (tenant, at) => {
      tenant.updatedAt = at;
    },
    announce: ({ id, slug, status, tier }, _from, reason) =>
      events.emit(id, { type: "tenant", data: { slug, status, tier, reason } }),
  };
}

function migrationKind(store: Store, events: EventLog): Kind<MigrationRecord> {
  return {
    collection: store.migrations,
    tenantId: ({ job }) => job.tenantId,
    state: ({ job }) => stateOf(job),
    stamp: ({ job }, at) => {
      job.updatedAt = at;
    },
    announce: async ({ id: migrationId, job }, from, reason) => {
      const { status, targetTier, error = null, tenantId } = job;
      // The beginning of a phase is no change of status; the migrator tells of phases itself.
      if (from?.split("/")[0] === status) return;
      await events.emit(tenantId, {
        type: "status",
        migrationId,
        data: { status, targetTier, reason, error },
      });
      if (isEnded(status)) await events.emit(tenantId, { type: "end", migrationId, data: { status } });
    },
  };
}

/** Status and phase in one word, as the trail names states. */
function stateOf({ status, provisioningState }: TierMigrationJob): string {
  return provisioningState === null ? status : `${status}/${provisioningState}`;
}
