/** Microsoft.EventHub: namespaces with their hubs and consumer groups. */
import { randomBytes, randomUUID } from "node:crypto";
import { badRequest } from "../errors.ts";
import { recordAt, stringAt, valueAt } from "../http.ts";
import { idKey } from "../path.ts";
import { asynchronous } from "./behaviour.ts";
import type { ActionContext, PutContext, TypeBehaviour } from "./behaviour.ts";

const namespaceType = "Microsoft.EventHub/namespaces";
const rootRule = "RootManageSharedAccessKey";
const newKey = (): string => randomBytes(32).toString("base64");

const namespaces: TypeBehaviour = {
  type: namespaceType,
  ...asynchronous,
  hasState: true,
  nameError: { code: "InvalidNamespaceName", message: "The namespace name is invalid." },
  namePattern: /^[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]$/,
  createOnly: [{ path: "properties.clusterArmId" }],
  writeOnly: ["private"],
  defaults: () => ({
    sku: { name: "Standard", tier: "Standard", capacity: 1 },
    properties: {
      minimumTlsVersion: "1.2",
      publicNetworkAccess: "Enabled",
      disableLocalAuth: false,
      zoneRedundant: true,
      isAutoInflateEnabled: false,
      maximumThroughputUnits: 0,
      kafkaEnabled: true,
    },
  }),
  check: checkNamespace,
  outputs: ({ cloud, resource, previous }) => ({
    properties: {
      updatedAt: resource.changedAt,
      status: "Active",
      ...(previous === undefined ? endpoints(resource) : {}),
    },
    ...(previous === undefined
      ? {
          private: {
            primaryKey: newKey(),
            secondaryKey: newKey(),
            // The directory whose identities are let in.
            tenantId: cloud.directory.subscription(resource.subscriptionId)?.tenantId,
          },
        }
      : {}),
  }),
};

const endpoints = (resource: PutContext["resource"]): Record<string, unknown> => ({
  createdAt: resource.createdAt,
  serviceBusEndpoint: `https://${resource.name}.servicebus.windows.net:443/`,
  metricId: `${resource.subscriptionId}:${resource.name.toLowerCase()}`,
});

function checkNamespace({ cloud, resource, previous }: PutContext): void {
  const isTaken = cloud.store
    .list(namespaceType)
    .some(
      (one) => one.name.toLowerCase() === resource.name.toLowerCase() && idKey(one.id) !== idKey(resource.id),
    );
  if (previous === undefined && isTaken) {
    throw badRequest("NamespaceUnavailable", `The specified name '${resource.name}' is not available.`);
  }
  const [before, after] = [previous, resource].map((one) => stringAt(one?.body, "sku.name"));
  if (previous === undefined || (before === "Premium") === (after === "Premium")) return;
  throw badRequest(
    "BadRequest",
    `The namespace's sku cannot be changed from ${before ?? ""} to ${after ?? ""}.`,
    "sku.name",
  );
}

const eventhubs: TypeBehaviour = {
  type: `${namespaceType}/eventhubs`,
  put: { created: 200, updated: 200 },
  delete: { accepted: 200 },
  createOnly: [{ path: "properties.retentionDescription.cleanupPolicy", code: "BadRequest" }],
  defaults: () => ({ properties: { partitionCount: 4, messageRetentionInDays: 7, status: "Active" } }),
  check: ({ cloud, resource, previous }) => {
    const namespace = cloud.store.get(resource.id.split("/").slice(0, -2).join("/"));
    const [before, after] = [previous, resource].map((one) =>
      valueAt(one?.body, "properties.partitionCount"),
    );
    const mayGrow = stringAt(namespace?.body, "sku.name") === "Premium";
    if (previous === undefined || before === after || (mayGrow && Number(after) > Number(before))) return;
    throw badRequest(
      "BadRequest",
      `The partition count of an event hub cannot be changed from ${String(before)} to ${String(after)}.`,
      "properties.partitionCount",
    );
  },
  outputs: ({ resource }) => ({
    properties: {
      createdAt: resource.createdAt,
      updatedAt: resource.changedAt,
      partitionIds: Array.from(
        { length: Number(valueAt(resource.body, "properties.partitionCount") ?? 1) },
        (_, i) => String(i),
      ),
    },
  }),
  stored: ({ cloud, resource, previous }) => {
    if (previous !== undefined) return;
    const { createdAt, changedAt } = resource;
    cloud.store.put({
      ...resource,
      id: `${resource.id}/consumergroups/$Default`,
      type: consumergroups.type,
      name: "$Default",
      etag: randomUUID(),
      body: { properties: { createdAt, updatedAt: changedAt } },
      outputs: { properties: { createdAt, updatedAt: changedAt } },
    });
  },
};

const consumergroups: TypeBehaviour = {
  type: `${namespaceType}/eventhubs/consumergroups`,
  put: { created: 200, updated: 200 },
  delete: { accepted: 200 },
  outputs: ({ resource }) => ({
    properties: { createdAt: resource.createdAt, updatedAt: resource.changedAt },
  }),
};

/** Only the rule every namespace has; there for its keys. */
const authorizationRules: TypeBehaviour = {
  type: `${namespaceType}/authorizationRules`,
  put: { created: 200, updated: 200 },
  delete: { accepted: 200 },
  virtual: (name) =>
    name === rootRule ? { properties: { rights: ["Listen", "Manage", "Send"] } } : undefined,
  check: () => {
    throw badRequest("BadRequest", `Only the rule ${rootRule} is offered, and it cannot be changed.`);
  },
  actions: { listkeys: listKeys },
};

function listKeys({ cloud, resource }: ActionContext): unknown {
  const namespace = cloud.store.get(resource.id.split("/").slice(0, -2).join("/"));
  const { primaryKey, secondaryKey } = recordAt(namespace?.body, "private");
  const connection = (key: unknown): string =>
    `Endpoint=sb://${namespace?.name ?? ""}.servicebus.windows.net/;SharedAccessKeyName=${resource.name};SharedAccessKey=${String(key)}`;
  return {
    keyName: resource.name,
    primaryKey,
    secondaryKey,
    primaryConnectionString: connection(primaryKey),
    secondaryConnectionString: connection(secondaryKey),
  };
}

export const eventhub: TypeBehaviour[] = [namespaces, eventhubs, consumergroups, authorizationRules];
