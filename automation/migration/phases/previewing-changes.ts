import { pathOf } from "../plan.ts";
import type { Path } from "../plan.ts";
import { assertAllowed } from "../allowed.ts";
import type { GuardedStep } from "../allowed.ts";
import { specFor } from "../specs.ts";
import { inventoryContext, standsOf } from "./footprint.ts";
import { nothingToUndo, previewKey, sliceKey } from "./phase.ts";
import type { PhaseDefinition } from "./phase.ts";
import { recover, requestFor } from "./stack.ts";

const STEP_OF = { dedicate: "preview", resize: "resize", enlarge: "enlarge" } as const satisfies Record<
  Path,
  GuardedStep
>;

/** Previews the whole of what will be made; it is what is approved, and what every later change set is held against. */
export const previewingChanges: PhaseDefinition = {
  run: async (context) => {
    const { engine, stack, job, tenant, settings, artifacts, remember, operation } = context;
    const request = await requestFor(context, specFor(tenant, job, "PREVIEWING_CHANGES", settings));
    await recover(context, request);
    const changes = await engine.preview(request, operation);
    assertAllowed(STEP_OF[pathOf(job)], changes);
    await artifacts.put(previewKey(job.id, "PREVIEWING_CHANGES"), changes);
    if (pathOf(job) === "dedicate") {
      // The last moment before the first change.
      const slice = await context.ports.digestSlice(await inventoryContext(context));
      await artifacts.put(sliceKey(job.id), slice);
    }
    const standsBefore = standsOf(context, await engine.resources(stack));
    await remember((work) => {
      work.approvedDigest = changes.digest;
      // A slice that is about to be resized has nothing to be compared with.
      if (pathOf(job) !== "resize") work.standsBefore = standsBefore;
    });
  },
  undo: nothingToUndo,
};
