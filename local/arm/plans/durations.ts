/** How long Azure takes, by type: observed times of others' tests and reports, in seconds from the quickest to the slowest. */

type Range = readonly [low: number, high: number];
export type ChangeKind = "create" | "update" | "delete";
type Durations = Record<ChangeKind, Range>;

const of = (create: Range, update: Range, remove: Range): Durations => ({ create, update, delete: remove });
const minutes = (low: number, high: number): Range => [low * 60, high * 60];

const quick = of([1, 3], [1, 3], [1, 3]);
const network = of([4, 8], [3, 5], [10, 10]);
const listed = of([10, 40], [2, 3], [10, 40]);
const monitor = of([2, 3], [2, 3], [2, 3]);

/** What no row names: done in a moment. */
const usual = quick;

const byType: Record<string, Durations> = {
  "Microsoft.Resources/resourceGroups": of([3, 3], [1, 1], [15, 60]),
  "Microsoft.Network/virtualNetworks": of([5, 8], [5, 5], [10, 10]),
  "Microsoft.Network/virtualNetworks/subnets": of([5, 5], [5, 20], [10, 10]),
  "Microsoft.Network/publicIPAddresses": network,
  "Microsoft.Network/networkSecurityGroups": network,
  "Microsoft.Network/natGateways": listed,
  "Microsoft.Network/privateDnsZones": of([35, 35], [10, 10], [15, 15]),
  "Microsoft.Network/privateDnsZones/virtualNetworkLinks": of([35, 70], [10, 10], [30, 70]),
  "Microsoft.Network/privateEndpoints": of([40, 90], [30, 30], [30, 90]),
  "Microsoft.ContainerService/managedClusters": of(minutes(4, 9), minutes(1, 5), minutes(3, 6)),
  "Microsoft.ContainerService/managedClusters/agentPools": of(minutes(2, 5), minutes(1, 4), minutes(2, 5)),
  "Microsoft.Storage/storageAccounts": of([20, 45], [3, 3], [3, 3]),
  "Microsoft.KeyVault/vaults": of([10, 60], [5, 5], [5, 5]),
  "Microsoft.DBforPostgreSQL/flexibleServers": of(minutes(4, 8), minutes(5, 8), minutes(1, 2)),
  "Microsoft.DBforPostgreSQL/flexibleServers/databases": of([10, 30], [10, 30], [10, 30]),
  "Microsoft.DBforPostgreSQL/flexibleServers/configurations": of([10, 30], [10, 30], [10, 30]),
  "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules": of([10, 30], [10, 30], [10, 30]),
  // The cluster and its database share the time that was observed for both.
  "Microsoft.Cache/redisEnterprise": of(minutes(5, 10), minutes(10, 30), minutes(2, 6)),
  "Microsoft.Cache/redisEnterprise/databases": of(minutes(1, 2), [30, 60], minutes(1, 2)),
  "Microsoft.EventHub/namespaces": of([75, 75], [5, 30], [15, 60]),
  "Microsoft.EventHub/namespaces/eventhubs": of([3, 3], [2, 2], [3, 3]),
  "Microsoft.EventHub/namespaces/eventhubs/consumergroups": of([3, 3], [2, 2], [3, 3]),
  "Microsoft.ContainerRegistry/registries": listed,
  "Microsoft.OperationalInsights/workspaces": listed,
  "Microsoft.Monitor/accounts": listed,
  "Microsoft.ManagedIdentity/userAssignedIdentities": monitor,
  "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": monitor,
  "Microsoft.Insights/components": monitor,
  "Microsoft.Insights/dataCollectionEndpoints": monitor,
  "Microsoft.Insights/dataCollectionRules": monitor,
  "Microsoft.AlertsManagement/prometheusRuleGroups": monitor,
  "Microsoft.Dashboard/grafana": of(minutes(2, 5), [2, 3], minutes(2, 5)),
};

const table = new Map(Object.entries(byType).map(([type, durations]) => [type.toLowerCase(), durations]));

/** Where in the observed range a duration lies. */
export const places = ["low", "middle", "high"] as const;
export type Place = (typeof places)[number];

/** Milliseconds that Azure takes for a change, times the factor. A group's deletion is that of an empty one. */
export function azureDurationMs(type: string, kind: ChangeKind, factor = 1, place: Place = "middle"): number {
  const [low, high] = (table.get(type.toLowerCase()) ?? usual)[kind];
  const seconds = { low, middle: (low + high) / 2, high }[place];
  return Math.round(seconds * 1000 * factor);
}

/** The whole table, seconds, for who calculates a critical path with it; `*` is every other type. */
export const azureDurations = (): Record<string, Durations> => ({ ...byType, "*": usual });
