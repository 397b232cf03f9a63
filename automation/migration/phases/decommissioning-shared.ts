import { z } from "zod";
import { tierliftError } from "../../errors.ts";
import { blobsInputOf, kafkaInputOf } from "../../outputs.ts";
import type { KafkaDataInput, LateBlobs } from "../../ports.ts";
import { PLATFORM_STACK } from "../../requests.ts";
import { NEXT_RECORDS, SLICE, STORE_HOLDER } from "../allowed.ts";
import { specFor } from "../specs.ts";
import { detach, endReverse } from "./migrating-data.ts";
import { cutoverKey, cutoverReportOf } from "./phase.ts";
import type { PhaseContext, PhaseDefinition } from "./phase.ts";
import { applySpec, outputsOf, recover } from "./stack.ts";

const lateSchema = z.object({
  copied: z.object({ blobs: z.number(), bytes: z.number() }),
  aside: z.array(z.string()),
});

/**
 * Ends what follows the shared stores, destroys the slice and the `next.` records, then declares what stays: the time
 * to live as it was. Between the slice's services and its place in the stores it brings over what they wrote last.
 */
export const decommissioningShared: PhaseDefinition = {
  run: async (context) => {
    const { engine, stack, job, tenant, settings, work, ports, signal, operation } = context;
    const { switchedAt } = work().cutover;
    if (switchedAt === undefined) {
      throw tierliftError("INTERNAL", {
        problem: `migration ${job.id} may not destroy a slice before the switch`,
      });
    }
    // Until then resolvers may still send clients to the slice.
    const expired = Date.parse(switchedAt) + settings.cutoverTtlSeconds * 1000;
    const untilExpired = ports.clock.sleep(Math.max(0, expired - ports.clock.now().getTime()), signal);
    await Promise.all([detach(context), untilExpired]);
    const isReversed = work().cutover.reversedAt !== undefined;
    await recover(context);
    // The services first: after them nobody writes to the shared stores, and what they wrote last can be told.
    await engine.destroy(stack, { components: [SLICE, NEXT_RECORDS], keep: [STORE_HOLDER] }, operation);
    await bringLateBlobs(context);
    await bringLateRecords(context);
    if (isReversed) await endReverse(context);
    await engine.destroy(stack, { components: [SLICE] }, operation);
    await finishRecords(context);
    const spec = specFor(tenant, job, "DECOMMISSIONING_SHARED", settings);
    await applySpec(context, spec, { step: "restore", keepFor: "DECOMMISSIONING_SHARED" });
  },
  undo: ({ job }) =>
    Promise.reject(tierliftError("ALREADY_SWITCHED", { from: job.status, to: "ROLLING_BACK" })),
};

/** Rows cannot come late: their writes stay frozen. A migration that began without this mark has nothing to go by. */
async function bringLateBlobs(context: PhaseContext): Promise<void> {
  const { tenant, job, ports, signal, artifacts } = context;
  const report = await cutoverReportOf(context);
  if (report?.blobsAsOf === undefined) return;
  const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
  const input = blobsInputOf(tenant, job.credentials, outputs, platformOutputs);
  const blobs = { ...input.blobs, asOf: report.blobsAsOf };
  const late = lateSchema.parse(await ports.runBlobs("late", { ...input, blobs }, signal));
  await artifacts.put(cutoverKey(job.id), { ...report, late: addLate(report.late, late) });
}

/** What a try before this one has brought is not brought again, and is still to be told. */
function addLate(before: LateBlobs | undefined, { copied, aside }: LateBlobs): LateBlobs {
  const { blobs, bytes } = before?.copied ?? { blobs: 0, bytes: 0 };
  return {
    copied: { blobs: blobs + copied.blobs, bytes: bytes + copied.bytes },
    aside: [...(before?.aside ?? []), ...aside],
  };
}

const recordsSchema = z.object({ copied: z.number() });

/** Once, as its mark says: what the mover goes by is removed afterwards, and another copy would bring all again. */
async function bringLateRecords(context: PhaseContext): Promise<void> {
  const { job, ports, signal, artifacts } = context;
  const report = await cutoverReportOf(context);
  if (ports.runKafka === undefined || report === undefined || report.lateRecords !== undefined) return;
  const input = await kafkaOf(context);
  const { copied } = recordsSchema.parse(await ports.runKafka("catch-up", input, signal));
  await artifacts.put(cutoverKey(job.id), { ...report, lateRecords: copied });
}

async function finishRecords(context: PhaseContext): Promise<void> {
  const { ports, signal } = context;
  const report = await cutoverReportOf(context);
  if (ports.runKafka === undefined || report?.lateRecords === undefined) return;
  await ports.runKafka("finish", await kafkaOf(context), signal);
}

async function kafkaOf(context: PhaseContext): Promise<KafkaDataInput> {
  const { tenant, job } = context;
  const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
  return kafkaInputOf(tenant, job.credentials, outputs, platformOutputs);
}
