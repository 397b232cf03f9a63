import * as authorization from "@pulumi/azure-native/authorization/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { planAssignmentName } from "../naming.ts";
import type { Placement } from "../placement.ts";
import { inGroup } from "../placement.ts";
import { planRoleDefinitionId } from "./plan.ts";
import type { RoleName } from "./plan.ts";

/** Gives a principal a role on a resource of the footprint's group; the assignment goes with that resource. */
export function assignRole(
  name: string,
  args: {
    placement: Placement;
    role: RoleName;
    principalId: pulumi.Input<string>;
    scope: pulumi.Input<string>;
  },
  parent: pulumi.Resource,
): authorization.RoleAssignment {
  const { placement, role, principalId, scope } = args;
  return new authorization.RoleAssignment(
    name,
    {
      roleAssignmentName: planAssignmentName(placement.identity, name),
      scope,
      principalId,
      // Said explicitly, Azure does not look the principal up: a fresh one is not in its directory's replicas yet.
      principalType: "ServicePrincipal",
      roleDefinitionId: planRoleDefinitionId(placement.subscriptionId, role),
    },
    inGroup(parent, placement),
  );
}
