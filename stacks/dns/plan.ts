/** Which names a tenant has and where they point. */
import * as pulumi from "@pulumi/pulumi";
import type { TenantSpec } from "../spec.ts";

/** Relative names of the tenant's records; the switch moves these and nothing else. */
export const TENANT_RECORDS = ["@", "*", "api", "bi"] as const;
/** Names by which the new infrastructure is tried before the switch. */
export const NEXT_RECORDS = ["next", "*.next"] as const;

/** How long a resolver may keep the delegation: it does not change in a tenant's life. */
export const DELEGATION_TTL_SECONDS = 3600;

/** Throws `InputPropertyError` when a record would point at an ingress that is not declared. */
export function checkDnsTargets({ route, next, dedicated, slice }: TenantSpec): void {
  const hasIngress = dedicated?.layers.includes("ingress") ?? false;
  const reason = "needs the dedicated ingress, which comes with layer `ingress`";
  if (route === "dedicated" && !hasIngress) throw inputError("route", reason);
  if (next && !hasIngress) throw inputError("next", reason);
  if (route === "slice" && !slice) throw inputError("route", "points at a slice that is not declared");
}

function inputError(propertyPath: string, reason: string): pulumi.InputPropertyError {
  return new pulumi.InputPropertyError({ propertyPath, reason });
}

/** A record's resource name: `*` and `@` are spelt out, since names appear in URNs and targets. */
export function planRecordName(slug: string, relativeName: string): string {
  const spelt = relativeName.replace("@", "apex").replace("*", "wildcard").replace(".", "-");
  return `${slug}-${spelt}`;
}
