/** What phases do to the tenant's stack, each guarded by the rules of its step. */
import type { ChangeSet, StackResource } from "../../engine/engine.ts";
import { subtreeOf } from "../../engine/state.ts";
import { tierliftError } from "../../errors.ts";
import type { Phase } from "../../model.ts";
import { tenantRequest } from "../../requests.ts";
import type { ProgramRequest, TenantSpec } from "../../../stacks/spec.ts";
import { assertAllowed, assertApproved, DEDICATED, NEXT_RECORDS, SLICE, TENANT_ZONE } from "../allowed.ts";
import type { GuardedStep } from "../allowed.ts";
import { specBefore, specFor } from "../specs.ts";
import { approvedChanges, previewKey } from "./phase.ts";
import type { PhaseContext } from "./phase.ts";

export function requestFor(context: PhaseContext, spec: TenantSpec): Promise<ProgramRequest> {
  const { job, tenant } = context;
  return tenantRequest(spec, job.credentials ?? tenant.dedicated?.credentials, context);
}

/** The stack's order restored after an operation that was cut off; nothing when there was none. */
export async function recover(context: PhaseContext, request: ProgramRequest | null = null): Promise<void> {
  await context.engine.recover(context.stack, request, context.operation);
}

interface Guard {
  step: GuardedStep;
  /** Whether the change set has to be part of the approved one. */
  approved?: boolean;
  /** Under which phase the change set is kept for the reader. */
  keepFor?: Phase;
}

/** Brings the stack to a footprint, if the change set is one that the step may make. */
export async function applySpec(context: PhaseContext, spec: TenantSpec, guard: Guard): Promise<ChangeSet> {
  const { engine, stack, isRetry, job, artifacts } = context;
  const request = await requestFor(context, spec);
  await engine.recover(stack, request, context.operation);
  const approved = guard.approved === true ? await approvedChanges(context) : undefined;
  const changes = await engine.update(request, {
    ...context.operation,
    approve: (planned) => {
      assertAllowed(guard.step, planned, { isRetry });
      if (approved !== undefined) assertApproved(guard.step, approved, planned, { isRetry });
    },
  });
  if (guard.keepFor !== undefined) await artifacts.put(previewKey(job.id, guard.keepFor), changes);
  return changes;
}

/** Brings the stack to the footprint of a phase. */
export function applyPhase(context: PhaseContext, phase: Phase, step: GuardedStep): Promise<ChangeSet> {
  const spec = specFor(context.tenant, context.job, phase, context.settings);
  return applySpec(context, spec, { step, approved: true, keepFor: phase });
}

/** Destroys the dedicated footprint and the records that lead to it; without the program, so it needs no credentials. */
export async function removeDedicated(context: PhaseContext): Promise<void> {
  await recover(context);
  await context.engine.destroy(context.stack, { components: [NEXT_RECORDS, DEDICATED] }, context.operation);
}

/** Gives the tenant's records the time to live they had before the migration. */
export async function restoreTtl(context: PhaseContext): Promise<void> {
  const { tenant, job, settings } = context;
  await applySpec(context, specBefore(tenant, job, settings), { step: "restore" });
}

/** The slice and the tenant's zone, one `urn id` each, in order. */
export function sliceOf(resources: StackResource[]): string[] {
  const urns = new Set(subtreeOf(resources, [SLICE, TENANT_ZONE]));
  return resources
    .filter(({ urn }) => urns.has(urn))
    .map(({ urn, id }) => `${urn} ${id ?? ""}`)
    .sort();
}

/** Rule: after a rollback or cancel the dedicated inventory is empty and the slice unchanged. Throws UNDO_INCOMPLETE. */
export async function checkUndone(context: PhaseContext): Promise<void> {
  const { engine, stack, tenant, job } = context;
  const resources = await engine.resources(stack);
  const left = subtreeOf(resources, [DEDICATED, NEXT_RECORDS]).map((urn) => `${urn} still exists`);
  const before = context.work().sliceBefore;
  const now = new Set(sliceOf(resources));
  const gone = (before ?? [])
    .filter((entry) => !now.has(entry))
    .map((entry) => `${entry} is gone from the slice`);
  const known = new Set(before);
  const added = before === undefined ? [] : [...now].filter((entry) => !known.has(entry));
  const failed = job.phases.filter(({ outcome }) => outcome === "UNDO_FAILED");
  const problems = [
    ...left,
    ...gone,
    ...added.map((entry) => `${entry} is new in the slice`),
    ...failed.map(({ phase, error }) => `${phase}: ${error ?? "could not be undone"}`),
  ];
  if (problems.length > 0) throw tierliftError("UNDO_INCOMPLETE", { slug: tenant.slug, problems });
}

/** Both stacks' outputs, secrets in clear. */
export async function outputsOf({ engine, stack }: PhaseContext, platformStack: string) {
  const [outputs, platformOutputs] = await Promise.all([
    engine.outputs(stack),
    engine.outputs(platformStack),
  ]);
  return { outputs, platformOutputs };
}
