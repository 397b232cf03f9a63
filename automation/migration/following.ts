/**
 * Brings what a tenant changes on the shared side to its new stores, again and again from the copy to the cutover: the
 * shared server keeps its log until then, and what is not brought over would be left for the freeze.
 */
import { z } from "zod";
import type { StackEngine } from "../engine/engine.ts";
import type { Logger } from "../logger.ts";
import type { MigrationRecord } from "../model.ts";
import { dataInputOf } from "../outputs.ts";
import type { DataInput, Ports } from "../ports.ts";
import { PLATFORM_STACK } from "../requests.ts";
import type { TierliftSettings } from "../settings.ts";
import type { Journal } from "./journal.ts";
import { pathOf, recordOf } from "./plan.ts";

export interface FollowingOptions {
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
  abort: AbortController;
  done: Promise<void>;
}

const reportSchema = z.object({
  changes: z.number(),
  databases: z.array(z.object({ name: z.string(), lagBytes: z.number().nullable() })),
});

/** While there are copies that nobody works on yet, whatever the migration waits for. */
export function isFollowed({ job, work }: Pick<MigrationRecord, "job" | "work">): boolean {
  if (pathOf(job) !== "dedicate" || work.cutover.switchingAt !== undefined) return false;
  if (!["PROVISIONING", "VERIFICATION", "FAILED"].includes(job.status)) return false;
  return recordOf(job, "MIGRATING_DATA")?.outcome === "DONE";
}

export function createFollowing(options: FollowingOptions): Following {
  const { journal, ports, settings, logger } = options;
  const loops = new Map<string, Loop>();

  async function loop(id: string, signal: AbortSignal): Promise<void> {
    let input: DataInput | undefined;
    for (;;) {
      await ports.clock.sleep(settings.catchUpEveryMs, signal);
      const record = journal.read(id);
      if (!isFollowed(record)) return;
      try {
        input ??= await inputOf(options, record);
        await catchUp(id, input, signal);
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

  async function catchUp(jobId: string, input: DataInput, signal: AbortSignal): Promise<void> {
    const { changes, databases } = reportSchema.parse(await ports.runData("catch-up", input, signal));
    if (changes > 0) logger.info({ jobId, changes, databases }, "changes of a tenant were brought over");
    for (const { name, lagBytes } of databases) {
      if ((lagBytes ?? 0) <= settings.maxLagBytes) continue;
      const facts = { jobId, database: name, lagBytes, maxLagBytes: settings.maxLagBytes };
      logger.warn(facts, "the shared server keeps much of its log for a tenant on its way");
    }
  }

  function start({ id }: MigrationRecord): void {
    const abort = new AbortController();
    const done = loop(id, abort.signal)
      .catch((error: unknown) => {
        if (!abort.signal.aborted)
          logger.error({ err: error, jobId: id }, "changes of a tenant are no longer brought over");
      })
      .finally(() => {
        if (loops.get(id)?.abort === abort) loops.delete(id);
      });
    loops.set(id, { abort, done });
  }

  function drop(record: MigrationRecord): void {
    if (!isFollowed(record)) loops.get(record.id)?.abort.abort(new Error("the migration went on"));
  }

  return {
    drop,
    async sync(record) {
      const present = loops.get(record.id);
      if (!isFollowed(record)) {
        drop(record);
        await present?.done;
      } else if (present === undefined || present.abort.signal.aborted) {
        await present?.done;
        start(record);
      }
    },
    async stop() {
      for (const { abort } of loops.values()) abort.abort(new Error("the service stops"));
      await Promise.all([...loops.values()].map(({ done }) => done));
    },
  };
}

async function inputOf({ engine, journal }: FollowingOptions, record: MigrationRecord): Promise<DataInput> {
  const tenant = journal.tenantOf(record);
  const [outputs, platformOutputs] = await Promise.all([
    engine.outputs(tenant.slug),
    engine.outputs(PLATFORM_STACK),
  ]);
  return dataInputOf(tenant, outputs, platformOutputs);
}
