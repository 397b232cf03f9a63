import * as azure from "@pulumi/azure-native/network/index.js";
import * as privatedns from "@pulumi/azure-native/privatedns/index.js";
import * as pulumi from "@pulumi/pulumi";
import { ZONES } from "../azure-sizes.ts";
import { inGroup } from "../placement.ts";
import type { Placement } from "../placement.ts";
import { ENDPOINT_NAMES, ENDPOINT_ZONES, SUBNETS, planNetwork } from "./plan.ts";
import type { EndpointName, SubnetName, SubnetPlan } from "./plan.ts";

export interface NetworkArgs {
  placement: Placement;
  /** Second octet of the /16. */
  octet: number;
}

/** A footprint's network: subnets with their rules, one way out, and the zones by which its stores are found. */
export class Network extends pulumi.ComponentResource {
  readonly subnetIds: Record<SubnetName, pulumi.Output<string>>;
  /** Id of the zone of the PostgreSQL server with a delegated subnet. */
  readonly postgresZoneId: pulumi.Output<string>;
  readonly endpointZoneIds: Record<EndpointName, pulumi.Output<string>>;
  /** A server that is found by a zone has to wait for the zone's link. */
  readonly links: pulumi.Resource[];

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:network:Network", name, {}, opts);
    const { placement } = args;
    const plan = planNetwork(args.octet);
    const network = new azure.VirtualNetwork(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        virtualNetworkName: placement.names.network,
        location: placement.location,
        addressSpace: { addressPrefixes: [plan.addressSpace] },
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    const gateway = this.createNatGateway(name, placement);

    const subnets = {} as Record<SubnetName, azure.Subnet>;
    let previous: azure.Subnet | undefined;
    for (const subnet of SUBNETS) {
      // One at a time: a network takes no second change while one runs (409 AnotherOperationInProgress).
      previous = this.createSubnet(
        `${name}-${subnet}`,
        subnet,
        plan.subnets[subnet],
        placement,
        network,
        gateway,
        previous,
      );
      subnets[subnet] = previous;
    }
    this.subnetIds = { aks: subnets.aks.id, postgres: subnets.postgres.id, endpoints: subnets.endpoints.id };

    this.links = [];
    this.postgresZoneId = this.createZone(
      `${name}-postgres`,
      placement.names.postgresZone,
      placement,
      network,
    );
    const ids = ENDPOINT_NAMES.map(
      (endpoint) =>
        [
          endpoint,
          this.createZone(`${name}-${endpoint}`, ENDPOINT_ZONES[endpoint].zone, placement, network),
        ] as const,
    );
    this.endpointZoneIds = Object.fromEntries(ids) as Record<EndpointName, pulumi.Output<string>>;
    this.registerOutputs({ subnetIds: this.subnetIds });
  }

  private createNatGateway(name: string, placement: Placement): azure.NatGateway {
    const address = new azure.PublicIPAddress(
      `${name}-nat`,
      {
        resourceGroupName: placement.resourceGroupName,
        publicIpAddressName: placement.names.natIp,
        location: placement.location,
        sku: { name: "Standard", tier: "Regional" },
        publicIPAllocationMethod: "Static",
        publicIPAddressVersion: "IPv4",
        zones: [...ZONES],
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    return new azure.NatGateway(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        natGatewayName: placement.names.nat,
        location: placement.location,
        sku: { name: "Standard" },
        idleTimeoutInMinutes: 10,
        publicIpAddresses: [{ id: address.id }],
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
  }

  private createSubnet(
    name: string,
    subnet: SubnetName,
    plan: SubnetPlan,
    placement: Placement,
    network: azure.VirtualNetwork,
    gateway: azure.NatGateway,
    previous: azure.Subnet | undefined,
  ): azure.Subnet {
    const rules = new azure.NetworkSecurityGroup(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        networkSecurityGroupName: `nsg-${subnet}`,
        location: placement.location,
        securityRules: plan.rules,
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    return new azure.Subnet(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        virtualNetworkName: network.name,
        subnetName: `snet-${subnet}`,
        addressPrefix: plan.addressPrefix,
        networkSecurityGroup: { id: rules.id },
        natGateway: plan.nat ? { id: gateway.id } : undefined,
        delegations: plan.delegation ? [{ name: "delegation", serviceName: plan.delegation }] : undefined,
        // Rules of the subnet hold for private endpoints only with this.
        privateEndpointNetworkPolicies: "NetworkSecurityGroupEnabled",
        defaultOutboundAccess: false,
      },
      inGroup(this, placement, previous ? { dependsOn: [previous] } : {}),
    );
  }

  private createZone(
    name: string,
    zoneName: string,
    placement: Placement,
    network: azure.VirtualNetwork,
  ): pulumi.Output<string> {
    const zone = new privatedns.PrivateZone(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        privateZoneName: zoneName,
        // Zones have no region; left out, the provider would fill in the resource group's.
        location: "global",
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    const link = new privatedns.VirtualNetworkLink(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        privateZoneName: zone.name,
        virtualNetworkLinkName: placement.names.network,
        location: "global",
        virtualNetwork: { id: network.id },
        registrationEnabled: false,
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    this.links.push(link);
    return zone.id;
  }
}
