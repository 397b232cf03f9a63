/**
 * What there is of a tenant in the world, whatever the engine's state says: asked of ARM, API servers, zones and the
 * shared stores after every way back. Azure's own lists are the proof that nothing is paid for any more.
 */
import type { TokenCredential } from "@azure/identity";
import type { ArmClient } from "../azure/arm.ts";
import { createArmClient } from "../azure/arm.ts";
import type { Cloud } from "../azure/cloud.ts";
import { createPrincipalCredential } from "../azure/service-principal.ts";
import type { Inventory, InventoryAnswer, InventoryContext, Ports } from "../ports.ts";
import { answersAt, createClusterReader } from "./cluster.ts";
import { createFootprintReader } from "./footprint-arm.ts";
import type { FootprintReader } from "./footprint-arm.ts";
import {
  inspectShared,
  inspectSharedBlobs,
  inspectSharedCache,
  inspectSharedKafka,
  platformOf,
} from "./shared.ts";
import { createZoneReader } from "./zone-arm.ts";
import type { ZoneReader } from "./zone-arm.ts";

export interface InventoryOptions {
  cloud: Cloud;
  /** The platform's own principal: its subscription holds the zones. */
  credential: TokenCredential;
  platformSubscriptionId: string;
  zoneName: string;
  resolveSecret: Ports["resolveSecret"];
  resolveDns: Ports["resolveDns"];
  runData: Ports["runData"];
  runBlobs: Ports["runBlobs"];
  runCache?: Ports["runCache"];
  runKafka?: Ports["runKafka"];
}

type Question = [place: string, ask: () => Promise<string[]>];

/** Makes the inventory; a place that cannot be asked counts as one that still holds something. */
export function createInventory(options: InventoryOptions): Pick<Ports, "takeInventory" | "removeOrphans"> {
  const zoneReader = createZoneReader(createArmClient(options.cloud, options.credential), options);
  return {
    async takeInventory(context) {
      const footprint = await footprintOf(options, context);
      const questions = [
        ...(footprint === undefined ? [] : askFootprint(footprint)),
        ...askClusters(context),
        ...askZone(options, zoneReader, context),
        ...askShared(options, context),
      ];
      const answers = await Promise.all(questions.map(answer));
      const kept = (await footprint?.deletedVaults().catch(() => [])) ?? [];
      return { answers, kept } satisfies Inventory;
    },

    async removeOrphans(context, migrationId) {
      const footprint = await footprintOf(options, context);
      const groups = (await footprint?.removeGroups(migrationId)) ?? [];
      return [...groups, ...(await zoneReader.removeNext(context))];
    },
  };
}

async function answer([place, ask]: Question): Promise<InventoryAnswer> {
  try {
    return { place, left: await ask() };
  } catch (error) {
    return {
      place,
      left: [`it could not be asked: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
}

/** The tenant's subscription as its principal sees it. */
async function footprintOf(
  { cloud, resolveSecret }: InventoryOptions,
  { credentials, tenant, signal }: InventoryContext,
): Promise<FootprintReader | undefined> {
  if (credentials === undefined) return undefined;
  const {
    clientId,
    clientSecretRef,
    azureTenantId,
    directoryId = azureTenantId,
    subscriptionId,
  } = credentials;
  const secret = await resolveSecret(clientSecretRef, signal);
  const arm: ArmClient = createArmClient(
    cloud,
    createPrincipalCredential(cloud, directoryId, clientId, secret),
  );
  return createFootprintReader(arm, { subscriptionId, tenant, signal });
}

const askFootprint = (footprint: FootprintReader): Question[] => [
  ["arm: resource groups", () => footprint.groups()],
  ["arm: resources", () => footprint.resources()],
  ["arm: role assignments", () => footprint.roleAssignments()],
];

function askClusters({ clusters, tenant, platformOutputs, scope, signal }: InventoryContext): Question[] {
  const own: Question = [
    "kubernetes: the tenant's own API servers",
    async () => {
      const answering = await Promise.all(
        clusters.map(async (cluster) => ((await answersAt(cluster, signal)) ? [cluster.server] : [])),
      );
      return answering.flat().map((server) => `${server} still answers`);
    },
  ];
  if (scope === "dedicated") return [own];
  const namespace = `tenant-${tenant.slug}`;
  const shared: Question = [
    "kubernetes: the shared cluster",
    async () => {
      const cluster = createClusterReader(platformOf(platformOutputs).kubeconfig);
      const found = await cluster.exists({ apiVersion: "v1", kind: "Namespace", name: namespace });
      return found ? [`namespace ${namespace}`] : [];
    },
  ];
  return [own, shared];
}

function askZone(
  { resolveDns, zoneName }: InventoryOptions,
  zone: ZoneReader,
  context: InventoryContext,
): Question[] {
  const { tenant, platformOutputs, scope, signal } = context;
  const name = `${tenant.slug}.${zoneName}`;
  // Without records of its own, `next` is any name of the tenant's: `*` answers it with the shared address.
  const allowed = scope === "dedicated" ? [platformOf(platformOutputs).ingressAddress] : [];
  const names =
    scope === "dedicated" ? [`next.${name}`, `api.next.${name}`] : [name, `api.${name}`, `next.${name}`];
  return [
    ["arm: DNS records", () => (scope === "dedicated" ? zone.nextRecords(context) : zone.zones(context))],
    [
      "dns: answers",
      async () => {
        const answers = await Promise.all(
          names.map(async (asked) => ({ asked, found: await resolveDns(asked, signal) })),
        );
        return answers
          .filter(({ found }) => found.some((address) => !allowed.includes(address)))
          .map(({ asked, found }) => `${asked} answers ${found.join(", ")}`);
      },
    ],
  ];
}

const askShared = (options: InventoryOptions, context: InventoryContext): Question[] => [
  ...askSharedServer(options, context),
  ...(context.scope === "everything"
    ? [
        ...askSharedAccount(options, context),
        ...askSharedCache(options, context),
        ...askSharedNamespace(options, context),
      ]
    : []),
];

const askSharedAccount = ({ runBlobs }: InventoryOptions, context: InventoryContext): Question[] => [
  [
    "blobs: the shared account",
    async () => {
      const { blobs } = await inspectSharedBlobs(runBlobs, context);
      return blobs > 0 ? [`${blobs} blobs below ${context.tenant.slug}/`] : [];
    },
  ],
];

function askSharedCache({ runCache }: InventoryOptions, context: InventoryContext): Question[] {
  if (!runCache) return [];
  const ask = async () => {
    const { keys } = await inspectSharedCache(runCache, context);
    return keys > 0 ? [`${keys} keys below tenant:${context.tenant.slug}:`] : [];
  };
  return [["cache: the shared cache", ask]];
}

/** Records in common topics are not asked for: Kafka deletes no single ones, and they leave by their age. */
const askSharedNamespace = ({ runKafka }: InventoryOptions, context: InventoryContext): Question[] =>
  runKafka === undefined
    ? []
    : [
        [
          "kafka: the shared namespace",
          async () => {
            const { topics, groups } = await inspectSharedKafka(runKafka, context);
            const own = topics.filter(({ scope }) => scope === "own").map(({ topic }) => `topic ${topic}`);
            return [...own, ...groups.map((group) => `group ${group}`)];
          },
        ],
      ];

const askSharedServer = ({ runData }: InventoryOptions, context: InventoryContext): Question[] => [
  [
    "postgres: the shared server",
    async () => {
      const { databases, slots, role } = await inspectShared(runData, context);
      const replicated = databases.flatMap(({ name, publications }) =>
        publications.map((publication) => `publication ${publication} in ${name}`),
      );
      const left = [...replicated, ...slots.map((slot) => `replication slot ${slot}`)];
      if (context.scope === "dedicated") return left;
      const rows = databases.flatMap(({ name, tables }) =>
        tables.filter((one) => one.rows > 0).map((one) => `${one.rows} rows in ${name} / ${one.table}`),
      );
      return [...left, ...rows, ...(role.exists ? [`role ${role.name}`] : [])];
    },
  ],
];
