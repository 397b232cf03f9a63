/** The moment between all that a tenant has and the records that lead to it. */
import * as pulumi from "@pulumi/pulumi";
import type { ProgramHooks } from "../spec.ts";

/** The member is left out of the SDK's types. */
interface Parent {
  __childResources?: Set<pulumi.Resource>;
}

/** The address, known once the parts and all below them are registered and the hook has resolved. */
export function waitBeforeSwitch(
  address: pulumi.Output<string>,
  parts: readonly (pulumi.Resource | null | undefined)[],
  { beforeSwitch }: ProgramHooks,
): pulumi.Output<string> {
  if (beforeSwitch === undefined || pulumi.runtime.isDryRun()) return address;
  const urns = parts.flatMap((part) => (part ? below(part) : [])).map(({ urn }) => urn);
  // As a promise: an output would make the records depend on all of these, which the plan does not know.
  const registered = new Promise<unknown>((resolve) => pulumi.all(urns).apply(resolve));
  const allowed = registered.then(beforeSwitch);
  return address.apply((known) => allowed.then(() => known));
}

function below(resource: pulumi.Resource): pulumi.Resource[] {
  const children = [...((resource as Parent).__childResources ?? [])];
  return [resource, ...children.flatMap(below)];
}
