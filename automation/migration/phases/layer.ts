import type { Phase } from "../../model.ts";
import type { PhaseDefinition } from "./phase.ts";
import { applyPhase, removeDedicated } from "./stack.ts";

/** A phase that adds one layer to the dedicated footprint. Undoing any of them takes down what stands of all. */
export function layerPhase(phase: Phase): PhaseDefinition {
  return {
    run: async (context) => {
      await applyPhase(context, phase, "provision");
    },
    undo: removeDedicated,
  };
}
