/** Everything the API asks of, put together; the composition root hands in what touches the world. */
import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import type { LimitFunction } from "p-limit";
import type { StackEngine } from "./engine/engine.ts";
import { createAnswers } from "./answers.ts";
import type { Answers } from "./answers.ts";
import { createEventLog } from "./events.ts";
import type { EventLog } from "./events.ts";
import { createLeases } from "./lease.ts";
import { createLedger } from "./ledger.ts";
import type { Logger } from "./logger.ts";
import { createMigrations } from "./migration/migrations.ts";
import type { Migrations } from "./migration/migrations.ts";
import { createMigrator } from "./migration/migrator.ts";
import { createPlatform } from "./platform.ts";
import type { Ports } from "./ports.ts";
import type { TierliftSettings } from "./settings.ts";
import type { Store } from "./store/store.ts";
import { createTenants } from "./tenants.ts";
import type { Tenants } from "./tenants.ts";
import { createTenantWork } from "./tenant-work.ts";

export interface TierliftOptions {
  store: Store;
  engine: StackEngine;
  ports: Ports;
  settings: TierliftSettings;
  logger: Logger;
}

export interface Tierlift {
  tenants: Tenants;
  migrations: Migrations;
  events: Pick<EventLog, "subscribe" | "recent">;
  answers: Answers;
  /** What goes on, for those who measure it. */
  activity: {
    onEvent: EventLog["watch"];
    engineOperations(): { running: number; waiting: number };
  };
  /** Completes what a crash left half written, then goes on with unfinished work in the background. */
  start(): Promise<void>;
  /** Ends running work in good order; a later start goes on with it. The store and the engine stay open. */
  stop(): Promise<void>;
  /** Whether the platform stands; `problem` says what keeps it from it. */
  ready(): { ready: boolean; problem: string | null };
}

export function createTierlift({ store, engine, ports, settings, logger }: TierliftOptions): Tierlift {
  const { clock } = ports;
  const limit = pLimit(settings.maxConcurrentOperations);
  const limited = limitEngine(engine, limit);
  const events = createEventLog({ logs: store.events, clock });
  const ledger = createLedger({ store, events, clock });
  const owner = `${process.pid}-${randomUUID()}`;
  const leases = createLeases({ store, clock, owner, heartbeatMs: settings.heartbeatMs });
  const platform = createPlatform({ engine: limited, settings, clock, logger });
  const world = { store, ledger, events, leases, engine: limited, ports, settings, logger };
  const migrator = createMigrator({ ...world, platformReady: platform.ready });
  const work = createTenantWork({ ...world, platformReady: platform.ready });

  return {
    tenants: createTenants({ store, ledger, events, work, ports }),
    migrations: createMigrations({ store, ledger, migrator, ports }),
    events,
    answers: createAnswers(store.answers, clock),
    activity: {
      onEvent: (listener) => events.watch(listener),
      engineOperations: () => ({ running: limit.activeCount, waiting: limit.pendingCount }),
    },
    async start() {
      await ledger.settle();
      platform.start();
      await work.start();
      await migrator.start();
    },
    async stop() {
      await Promise.all([migrator.stop(), work.stop(), platform.stop()]);
    },
    ready: () => ({ ready: platform.isReady(), problem: platform.problem() }),
  };
}

/** Operations are processes with plugins: more than a machine can carry at once only slow each other down. */
function limitEngine(engine: StackEngine, limit: LimitFunction): StackEngine {
  return {
    preview: (request, options) => limit(() => engine.preview(request, options)),
    update: (request, options) => limit(() => engine.update(request, options)),
    destroy: (stack, targets, options) => limit(() => engine.destroy(stack, targets, options)),
    recover: (stack, request, options) => limit(() => engine.recover(stack, request, options)),
    remove: (stack) => limit(() => engine.remove(stack)),
    resources: (stack) => engine.resources(stack),
    outputs: (stack) => engine.outputs(stack),
    close: () => engine.close(),
  };
}
