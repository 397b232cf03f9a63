/** Taking the dedicated footprint down, and showing that nothing of it is left and all else is as it was. */
import { z } from "zod";
import type { StackResource } from "../../engine/engine.ts";
import { subtreeOf } from "../../engine/state.ts";
import { tierliftError } from "../../errors.ts";
import type { ClusterAddress } from "../../model.ts";
import { clusterAddressOf } from "../../outputs.ts";
import type { InventoryContext, SliceDigest, VerificationCheck, VerificationReport } from "../../ports.ts";
import { PLATFORM_STACK } from "../../requests.ts";
import { checkInventory, checkStands, compareSlices, problemsOf } from "../../verification/undo-report.ts";
import { DEDICATED, NEXT_RECORDS, SLICE, TENANT_ZONE } from "../allowed.ts";
import { pathOf, recordOf } from "../plan.ts";
import { specBefore } from "../specs.ts";
import { undoReportKey, sliceKey } from "./phase.ts";
import type { PhaseContext } from "./phase.ts";
import { applySpec, recover } from "./stack.ts";

/**
 * Destroys the dedicated footprint and the records that lead to it, all layers in one operation and without the
 * program, so that it needs no credentials; then what a cut off operation made behind the state's back; then the
 * tenant's records get the time to live they had.
 */
export async function removeFootprint(context: PhaseContext): Promise<void> {
  const { engine, stack, job, ports, operation } = context;
  await recover(context);
  await rememberClusters(context);
  await engine.destroy(stack, { components: [NEXT_RECORDS, DEDICATED] }, operation);
  await ports.removeOrphans(await inventoryContext(context), job.id);
  if (recordOf(job, "CONFIGURING_DNS_AND_INGRESS") !== undefined) await restoreTtl(context);
}

async function restoreTtl(context: PhaseContext): Promise<void> {
  const { tenant, job, settings, remember } = context;
  await applySpec(context, specBefore(tenant, job, settings), { step: "restore" });
  await remember((work) => {
    delete work.ttlLoweredAt;
  });
}

/** After the destroy nothing says any more where the cluster was; whether it still answers is asked later. */
async function rememberClusters({ engine, stack, remember, work }: PhaseContext): Promise<void> {
  const address = clusterAddressOf(await engine.outputs(stack));
  if (address === undefined) return;
  const known = work().clusters ?? [];
  if (known.some(({ server }) => server === address.server)) return;
  await remember((memory) => {
    memory.clusters = [...known, address] satisfies ClusterAddress[];
  });
}

/** What has to stand after a way back, one `urn id` each, in order: slice and zone, or what grows in place. */
export function standsOf(context: Pick<PhaseContext, "job">, resources: StackResource[]): string[] {
  const components = pathOf(context.job) === "enlarge" ? [DEDICATED, TENANT_ZONE] : [SLICE, TENANT_ZONE];
  const urns = new Set(subtreeOf(resources, components));
  return resources
    .filter(({ urn }) => urns.has(urn))
    .map(({ urn, id }) => `${urn} ${id ?? ""}`)
    .sort();
}

/**
 * Rule: after a rollback or cancel the dedicated inventory is empty and the slice unchanged, or what grew in place is
 * what it was. Keeps the report of what was asked; throws UNDO_INCOMPLETE with what did not pass.
 */
export async function checkUndone(context: PhaseContext): Promise<void> {
  const { tenant, job, ports, artifacts } = context;
  const startedAt = ports.clock.now().toISOString();
  const checks = pathOf(job) === "dedicate" ? await checkMovedBack(context) : await checkShrunk(context);
  const report: VerificationReport = {
    checks,
    passed: checks.every(({ passed }) => passed),
    startedAt,
    finishedAt: ports.clock.now().toISOString(),
  };
  await artifacts.put(undoReportKey(job.id), report);
  const failed = job.phases.filter(({ outcome }) => outcome === "UNDO_FAILED");
  const problems = [
    ...problemsOf(checks),
    ...failed.map(({ phase, error }) => `${phase}: ${error ?? "could not be undone"}`),
  ];
  if (problems.length > 0) throw tierliftError("UNDO_INCOMPLETE", { slug: tenant.slug, problems });
}

async function checkMovedBack(context: PhaseContext): Promise<VerificationCheck[]> {
  const { engine, stack, job, ports, artifacts, work } = context;
  const resources = await engine.resources(stack);
  const left = subtreeOf(resources, [DEDICATED, NEXT_RECORDS]).map((urn) => `${urn} still exists`);
  const asked = await inventoryContext(context);
  const inventory = await ports.takeInventory(asked);
  const checks = [
    ...checkInventory({
      ...inventory,
      answers: [{ place: "the engine's state", left }, ...inventory.answers],
    }),
    ...checkStands(work().standsBefore, standsOf(context, resources)),
  ];
  // Without a preview nothing was touched, and nothing is known to compare with.
  const before = (await artifacts.get(sliceKey(job.id))) as SliceDigest | undefined;
  if (before === undefined) return checks;
  return [...checks, ...compareSlices(before, await ports.digestSlice(asked))];
}

async function checkShrunk(context: PhaseContext): Promise<VerificationCheck[]> {
  const resources = await context.engine.resources(context.stack);
  return checkStands(context.work().standsBefore, standsOf(context, resources));
}

/** What places are asked with; the slice is looked at with the same. */
export async function inventoryContext(context: PhaseContext): Promise<InventoryContext> {
  const { engine, tenant, job, work, signal } = context;
  return {
    tenant: context.ledger.tenant(tenant.id) ?? tenant,
    credentials: job.credentials,
    clusters: work().clusters ?? [],
    platformOutputs: z.record(z.string(), z.unknown()).parse(await engine.outputs(PLATFORM_STACK)),
    scope: "dedicated",
    signal,
  };
}
