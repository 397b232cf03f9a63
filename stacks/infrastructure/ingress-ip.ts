import * as network from "@pulumi/azure-native/network/index.js";
import * as pulumi from "@pulumi/pulumi";
import { ZONES } from "../azure-sizes.ts";
import type { IngressAddress } from "../connections.ts";
import { inGroup } from "../placement.ts";
import type { Placement } from "../placement.ts";

/** The address at which a footprint answers: a resource of its own, so that records can point at it before and after. */
export class IngressIp extends pulumi.ComponentResource {
  readonly ingress: IngressAddress;

  constructor(name: string, placement: Placement, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:ingress:IngressIp", name, {}, opts);
    const ip = new network.PublicIPAddress(
      `${name}-ingress`,
      {
        resourceGroupName: placement.resourceGroupName,
        publicIpAddressName: placement.names.ingressIp,
        location: placement.location,
        sku: { name: "Standard", tier: "Regional" },
        publicIPAllocationMethod: "Static",
        publicIPAddressVersion: "IPv4",
        zones: [...ZONES],
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    this.ingress = {
      publicIpName: ip.name,
      resourceGroupName: placement.resourceGroupName,
      address: ip.ipAddress.apply((address) => address ?? ""),
    };
    this.registerOutputs({ address: this.ingress.address });
  }
}
