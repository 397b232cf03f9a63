/** What phases do to the tenant's stack, each guarded by the rules of its step. */
import type { ChangeSet, UpdateOptions } from "../../engine/engine.ts";
import type { Phase } from "../../model.ts";
import { blobsInputOf, dataInputOf, kafkaInputOf } from "../../outputs.ts";
import type { BlobsDataInput, DataInput } from "../../ports.ts";
import { tenantRequest } from "../../requests.ts";
import type { ProgramRequest, TenantSpec } from "../../../stacks/spec.ts";
import { assertAllowed, assertApproved } from "../allowed.ts";
import type { GuardedStep } from "../allowed.ts";
import { specFor } from "../specs.ts";
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
  /** See `UpdateOptions`. */
  beforeSwitch?: UpdateOptions["beforeSwitch"];
}

/** Brings the stack to a footprint, if the change set is one that the step may make. */
export async function applySpec(context: PhaseContext, spec: TenantSpec, guard: Guard): Promise<ChangeSet> {
  const { engine, stack, isRetry, job, artifacts } = context;
  const request = await requestFor(context, spec);
  await engine.recover(stack, request, context.operation);
  const approved = guard.approved === true ? await approvedChanges(context) : undefined;
  const changes = await engine.update(request, {
    ...context.operation,
    ...(guard.beforeSwitch === undefined ? {} : { beforeSwitch: guard.beforeSwitch }),
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

/** Both stacks' outputs, secrets in clear. */
export async function outputsOf({ engine, stack }: PhaseContext, platformStack: string) {
  const [outputs, platformOutputs] = await Promise.all([
    engine.outputs(stack),
    engine.outputs(platformStack),
  ]);
  return { outputs, platformOutputs };
}

/** What the data command is told of all stores that are moved, or only those that the cloud has servers for. */
export function movedStoresOf(
  { tenant, job, ports }: Pick<PhaseContext, "tenant" | "job" | "ports">,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): DataInput & BlobsDataInput {
  const credentials = job.credentials ?? tenant.dedicated?.credentials;
  const { blobs } = blobsInputOf(tenant, credentials, outputs, platformOutputs);
  const kafka = ports.runKafka && kafkaInputOf(tenant, credentials, outputs, platformOutputs).kafka;
  return { ...dataInputOf(tenant, outputs, platformOutputs), blobs, ...(kafka && { kafka }) };
}
