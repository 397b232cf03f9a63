import type { PhaseDefinition } from "./phase.ts";
import { recover } from "./stack.ts";

/** The tenant's lease, and a state lock that nobody holds: one whose owner is dead is cleared on the way. */
export const acquiringLock: PhaseDefinition = {
  run: async (context) => {
    await context.acquireLease();
    await recover(context);
  },
  // The lease is kept until the migrator rests: the check after the last undo still reads the stack.
  undo: () => Promise.resolve(),
};
