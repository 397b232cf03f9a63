import * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Placement } from "../placement.ts";
import { inGroup } from "../placement.ts";

/** An identity that pods, nodes or the control plane act as. */
export function createIdentity(
  name: string,
  resourceName: string,
  placement: Placement,
  parent: pulumi.Resource,
): managedidentity.UserAssignedIdentity {
  return new managedidentity.UserAssignedIdentity(
    name,
    {
      resourceGroupName: placement.resourceGroupName,
      resourceName,
      location: placement.location,
      tags: placement.tags,
    },
    inGroup(parent, placement),
  );
}

/** Lets pods with a service account, `<namespace>:<name>`, of the cluster with that issuer act as the identity. */
export function federate(
  name: string,
  args: {
    placement: Placement;
    identity: managedidentity.UserAssignedIdentity;
    issuer: pulumi.Output<string>;
    serviceAccounts: readonly string[];
  },
  parent: pulumi.Resource,
): void {
  const { placement, identity, issuer } = args;
  let previous: pulumi.Resource | undefined;
  for (const account of args.serviceAccounts) {
    // One after the other: an identity takes no two credentials at once.
    previous = new managedidentity.FederatedIdentityCredential(
      `${name}-${account.replace(":", "-")}`,
      {
        resourceGroupName: placement.resourceGroupName,
        resourceName: identity.name,
        federatedIdentityCredentialResourceName: account.replace(":", "-"),
        issuer,
        subject: `system:serviceaccount:${account}`,
        audiences: ["api://AzureADTokenExchange"],
      },
      inGroup(parent, placement, previous ? { dependsOn: [previous] } : {}),
    );
  }
}
