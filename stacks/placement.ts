import type * as pulumi from "@pulumi/pulumi";
import type { FootprintNames } from "./naming.ts";

/** Where a footprint's Azure resources are put and how they are named. */
export interface Placement {
  /**
   * The footprint's resource group: what is in it goes when it goes, so its children carry it as `deletedWith` and a
   * destroy makes one call instead of one for each.
   */
  group: pulumi.CustomResource;
  resourceGroupName: pulumi.Output<string>;
  location: string;
  subscriptionId: string;
  names: FootprintNames;
  tags: Record<string, string>;
  /** What names of role assignments are derived from. */
  identity: string;
}

/** Resource options of a child of `parent` that is in the resource group. */
export function inGroup(
  parent: pulumi.Resource,
  placement: Placement,
  more: pulumi.CustomResourceOptions = {},
): pulumi.CustomResourceOptions {
  return { parent, deletedWith: placement.group, ...more };
}
