/** Address ranges, subnets, rules and private zones of a footprint's network. */
import type * as network from "@pulumi/azure-native/types/input.js";

type SecurityRule = network.network.SecurityRuleArgs;

export const SUBNETS = ["aks", "postgres", "endpoints"] as const;
export type SubnetName = (typeof SUBNETS)[number];

export interface NetworkPlan {
  addressSpace: string;
  subnets: Record<SubnetName, SubnetPlan>;
}

export interface SubnetPlan {
  addressPrefix: string;
  rules: SecurityRule[];
  /** Whether connections to the internet leave through the NAT gateway. */
  nat: boolean;
  /** The service that puts its servers' network cards into the subnet. */
  delegation?: string;
}

/** Zones by which the stores' private endpoints are found, and the sub-resource each endpoint opens. */
export const ENDPOINT_ZONES = {
  blob: { zone: "privatelink.blob.core.windows.net", groupId: "blob" },
  vault: { zone: "privatelink.vaultcore.azure.net", groupId: "vault" },
  events: { zone: "privatelink.servicebus.windows.net", groupId: "namespace" },
  cache: { zone: "privatelink.redis.azure.net", groupId: "redisEnterprise" },
} as const;
export type EndpointName = keyof typeof ENDPOINT_ZONES;
export const ENDPOINT_NAMES = Object.keys(ENDPOINT_ZONES) as EndpointName[];

/** Ranges inside the cluster; they are never routed outside it and so may be the same in every cluster. */
export const CLUSTER_RANGES = {
  pods: "10.244.0.0/16",
  services: "10.250.0.0/16",
  dns: "10.250.0.10",
} as const;

/** The platform's network and the tenants' do not overlap, so that each tenant's can be peered with it. */
export const PLATFORM_OCTET = 32;
export const DEDICATED_OCTET = 64;

/**
 * A /16 in 10.0.0.0/8: nodes get a /20 (4,091 addresses; pods have an overlay of their own), servers and endpoints a
 * /26 each.
 */
export function planNetwork(octet: number): NetworkPlan {
  const within = (rest: string): string => `10.${octet}.${rest}`;
  const aks = within("0.0/20");
  const postgres = within("16.0/26");
  const endpoints = within("16.64/26");
  return {
    addressSpace: within("0.0/16"),
    subnets: {
      aks: {
        addressPrefix: aks,
        nat: true,
        rules: [
          allow(100, "web", { from: "Internet", ports: ["80", "443"] }),
          allow(110, "load-balancer-probes", { from: "AzureLoadBalancer", ports: ["*"] }),
        ],
      },
      postgres: {
        addressPrefix: postgres,
        nat: false,
        delegation: "Microsoft.DBforPostgreSQL/flexibleServers",
        rules: [
          allow(100, "postgres-from-nodes", { from: aks, ports: ["5432", "6432"] }),
          // Primary and standby replicate inside the subnet.
          allow(110, "replication", { from: postgres, ports: ["*"] }),
          denyRest(),
        ],
      },
      endpoints: {
        addressPrefix: endpoints,
        nat: false,
        // TLS for blobs and vault, the cache's port, and Kafka's of the event namespace.
        rules: [allow(100, "stores-from-nodes", { from: aks, ports: ["443", "10000", "9093"] }), denyRest()],
      },
    },
  };
}

function allow(
  priority: number,
  name: string,
  { from, ports }: { from: string; ports: string[] },
): SecurityRule {
  return {
    name: `allow-${name}`,
    priority,
    direction: "Inbound",
    access: "Allow",
    protocol: "Tcp",
    sourceAddressPrefix: from,
    sourcePortRange: "*",
    destinationAddressPrefix: "*",
    ...(ports.length === 1 ? { destinationPortRange: ports[0] } : { destinationPortRanges: ports }),
  };
}

/** Azure's own last rules let the whole network in; this one comes before them. */
function denyRest(): SecurityRule {
  return {
    name: "deny-rest",
    priority: 4096,
    direction: "Inbound",
    access: "Deny",
    protocol: "*",
    sourceAddressPrefix: "*",
    sourcePortRange: "*",
    destinationAddressPrefix: "*",
    destinationPortRange: "*",
  };
}
