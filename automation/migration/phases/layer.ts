import type { Phase } from "../../model.ts";
import { nothingToUndo } from "./phase.ts";
import type { PhaseDefinition } from "./phase.ts";
import { applyPhase } from "./stack.ts";

/**
 * A phase that adds one layer to the dedicated footprint. Its undo, as far as the stack goes, is that of the first
 * layer, PROVISIONING_INFRASTRUCTURE, which takes all layers down in one operation: the phases of a rollback do not each
 * try the same destroy again.
 */
export function layerPhase(phase: Phase): PhaseDefinition {
  return {
    run: async (context) => {
      await applyPhase(context, phase, "provision");
    },
    undo: nothingToUndo,
  };
}
