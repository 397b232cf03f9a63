/**
 * Brings what a tenant changes on the one side to the other, again and again: from the copy to the cutover to its new
 * stores, and in a grace period back to the shared ones. The server that is read keeps its log until then, and what is
 * not brought over would be left for the freeze.
 */
import { z } from "zod";
import type { StackEngine } from "../engine/engine.ts";
import type { Logger } from "../logger.ts";
import type { MigrationRecord } from "../model.ts";
import { dataInputOf } from "../outputs.ts";
import type { DataInput, Ports } from "../ports.ts";
import { PLATFORM_STACK } from "../requests.ts";
import type { TierliftSettings } from "../settings.ts";
import type { Store } from "../store/store.ts";
import type { Journal } from "./journal.ts";
import { returnInputOf } from "./phases/switching-back.ts";
import { pathOf, recordOf } from "./plan.ts";

export interface FollowingOptions {
  store: Pick<Store, "artifacts">;
  journal: Journal;
  engine: StackEngine;
  ports: Ports;
  settings: TierliftSettings;
  logger: Logger;
}

export interface Following {
  /** Begins or ends with what the migration is now; what had to end has ended when it resolves. */
  sync(record: MigrationRecord): Promise<void>;
  /** Ends at once what the migration no longer wants, and does not wait for it. */
  drop(record: MigrationRecord): void;
  stop(): Promise<void>;
}

interface Loop {
  way: Way;
  abort: AbortController;
  done: Promise<void>;
}

const reportSchema = z.object({
  changes: z.number(),
  databases: z.array(z.object({ name: z.string(), lagBytes: z.number().nullable() })),
});

/** `catch-up`: to the tenant's own stores. `reverse`: back to the shared ones. */
type Way = "catch-up" | "reverse";

/**
 * The way that changes go now: over while there are copies that nobody works on yet, whatever the migration waits for,
 * and back in a grace period; null when they go nowhere.
 */
export function followedWay({ job, work }: Pick<MigrationRecord, "job" | "work">): Way | null {
  if (job.status === "GRACE_PERIOD") return "reverse";
  if (pathOf(job) !== "dedicate" || work.cutover.switchingAt !== undefined) return null;
  if (!["PROVISIONING", "VERIFICATION", "FAILED"].includes(job.status)) return null;
  return recordOf(job, "MIGRATING_DATA")?.outcome === "DONE" ? "catch-up" : null;
}

export function createFollowing(options: FollowingOptions): Following {
  const { journal, ports, settings, logger } = options;
  const loops = new Map<string, Loop>();

  async function loop(id: string, way: Way, signal: AbortSignal): Promise<void> {
    let input: DataInput | undefined;
    for (;;) {
      await ports.clock.sleep(settings.catchUpEveryMs, signal);
      const record = journal.read(id);
      if (followedWay(record) !== way) return;
      try {
        input ??= await inputOf(options, record, way);
        await round(id, way, input, signal);
      } catch (error) {
        signal.throwIfAborted();
        // The next round begins anew: nothing is lost while the shared server keeps what was not read.
        input = undefined;
        logger.warn(
          { err: error, jobId: id },
          "changes of a tenant were not brought over, and are tried again",
        );
      }
    }
  }

  async function round(jobId: string, way: Way, input: DataInput, signal: AbortSignal): Promise<void> {
    const { changes, databases } = reportSchema.parse(await ports.runData(way, input, signal));
    if (changes > 0) logger.info({ jobId, way, changes, databases }, "changes of a tenant were brought over");
    for (const { name, lagBytes } of databases) {
      if ((lagBytes ?? 0) <= settings.maxLagBytes) continue;
      const facts = { jobId, database: name, lagBytes, maxLagBytes: settings.maxLagBytes };
      logger.warn(facts, "a server keeps much of its log for a tenant on its way");
    }
    if (way === "catch-up") return;
    const { tenant, blobs, kafka } = input;
    if (blobs) await ports.runBlobs(way, { tenant, blobs }, signal);
    if (kafka) await ports.runKafka?.(way, { tenant, kafka }, signal);
  }

  function start({ id }: MigrationRecord, way: Way): void {
    const abort = new AbortController();
    const done = loop(id, way, abort.signal)
      .catch((error: unknown) => {
        if (!abort.signal.aborted)
          logger.error({ err: error, jobId: id }, "changes of a tenant are no longer brought over");
      })
      .finally(() => {
        if (loops.get(id)?.abort === abort) loops.delete(id);
      });
    loops.set(id, { way, abort, done });
  }

  function drop(record: MigrationRecord): void {
    const present = loops.get(record.id);
    if (present?.way !== followedWay(record)) present?.abort.abort(new Error("the migration went on"));
  }

  return {
    drop,
    async sync(record) {
      const present = loops.get(record.id);
      const way = followedWay(record);
      drop(record);
      if (present?.abort.signal.aborted) await present.done;
      if (way !== null && (present === undefined || present.abort.signal.aborted)) start(record, way);
    },
    async stop() {
      for (const { abort } of loops.values()) abort.abort(new Error("the service stops"));
      await Promise.all([...loops.values()].map(({ done }) => done));
    },
  };
}

async function inputOf(
  { engine, journal, ports, store }: FollowingOptions,
  record: MigrationRecord,
  way: Way,
): Promise<DataInput> {
  const tenant = journal.tenantOf(record);
  const [outputs, platformOutputs] = await Promise.all([
    engine.outputs(tenant.slug),
    engine.outputs(PLATFORM_STACK),
  ]);
  if (way === "catch-up") return dataInputOf(tenant, outputs, platformOutputs);
  const context = { tenant, job: record.job, ports, artifacts: store.artifacts };
  return await returnInputOf(context, outputs, platformOutputs);
}
