import { detachInputOf, kafkaInputOf } from "../../outputs.ts";
import { PLATFORM_STACK } from "../../requests.ts";
import { layerPhase } from "./layer.ts";
import type { PhaseContext, PhaseDefinition } from "./phase.ts";
import { outputsOf } from "./stack.ts";

/**
 * The copy, from whose beginning the shared server keeps its log for the tenant. The copies go with the servers they
 * are on; what follows the shared server ends by the undo, and by the command itself when the copy fails.
 */
export const migratingData: PhaseDefinition = { ...layerPhase("MIGRATING_DATA"), undo: detach };

/** The same of what brings back after the switch, on both sides. Repeatable. */
export async function endReverse(context: PhaseContext): Promise<void> {
  const { tenant, job, ports, signal } = context;
  const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
  await ports.runData("end-reverse", detachInputOf(tenant, outputs, platformOutputs), signal);
  if (ports.runKafka === undefined) return;
  await ports.runKafka(
    "reverse-finish",
    kafkaInputOf(tenant, job.credentials, outputs, platformOutputs),
    signal,
  );
}

/** Leaves no slot, publication or changed replica identity of the move on the shared server. Repeatable. */
export async function detach(context: PhaseContext): Promise<void> {
  const { tenant, ports, signal } = context;
  const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
  await ports.runData("detach", detachInputOf(tenant, outputs, platformOutputs), signal);
}
