import { definitionOfToken, resourceId, toOutputs } from "../../arm/definitions/index.ts";
import { assertStatus, bodyObject } from "./arm.ts";
import type { Instance } from "./instance.ts";

/** Functions: POST actions of a resource, getters by type, and what the provider knows of itself. */

type Values = Record<string, unknown>;

interface Action {
  token: string;
  /** Last segment of the path. */
  action: string;
  /** Below the resource, before the action: `authorizationRules/<argument>`. */
  below?: { segment: string; argument: string };
  /** Argument → query parameter. */
  query?: Record<string, string>;
}

const actions: Record<string, Action> = {
  "containerservice:listManagedClusterUserCredentials": {
    token: "containerservice:ManagedCluster",
    action: "listClusterUserCredential",
    query: { format: "format", serverFqdn: "server-fqdn" },
  },
  "containerservice:listManagedClusterAdminCredentials": {
    token: "containerservice:ManagedCluster",
    action: "listClusterAdminCredential",
    query: { serverFqdn: "server-fqdn" },
  },
  "storage:listStorageAccountKeys": {
    token: "storage:StorageAccount",
    action: "listKeys",
    query: { expand: "$expand" },
  },
  "redisenterprise:listDatabaseKeys": { token: "redisenterprise:Database", action: "listKeys" },
  "redisenterprise:listRedisEnterpriseSkusForScaling": {
    token: "redisenterprise:RedisEnterprise",
    action: "listSkusForScaling",
  },
  "redis:listRedisKeys": { token: "redis:Redis", action: "listKeys" },
  "eventhub:listNamespaceKeys": {
    token: "eventhub:Namespace",
    action: "listKeys",
    below: { segment: "authorizationRules", argument: "authorizationRuleName" },
  },
  "operationalinsights:getSharedKeys": { token: "operationalinsights:Workspace", action: "sharedKeys" },
  "containerregistry:listRegistryCredentials": {
    token: "containerregistry:Registry",
    action: "listCredentials",
  },
};

async function runAction(
  instance: Instance,
  action: Action,
  args: Values,
  signal: AbortSignal,
): Promise<Values> {
  const definition = definitionOfToken(`azure-native:${action.token}`);
  if (!definition) throw new Error(`no definition of ${action.token}`);
  const below = action.below && `/${action.below.segment}/${String(args[action.below.argument])}`;
  const id = resourceId(definition, args, instance.settings.subscriptionId);
  const query = Object.entries(action.query ?? {}).map(([from, to]) => [to, args[from]] as const);
  const given = query.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const request = {
    method: "POST" as const,
    path: `${id}${below ?? ""}/${action.action}`,
    query: { ...Object.fromEntries(given), "api-version": definition.apiVersion },
    body: {},
  };
  const answer = await instance.client.send(request, signal);
  assertStatus(answer, request, [200, 201]);
  return bodyObject(answer);
}

/** `get<Type>` of every type with a definition. */
async function runGetter(
  instance: Instance,
  token: string,
  args: Values,
  signal: AbortSignal,
): Promise<Values> {
  const definition = definitionOfToken(token);
  if (!definition) throw new Error(`invoke type ${token} not found`);
  const id = resourceId(definition, args, instance.settings.subscriptionId);
  const request = { method: "GET" as const, path: id, query: { "api-version": definition.apiVersion } };
  const answer = await instance.client.send(request, signal);
  assertStatus(answer, request, [200]);
  const body = bodyObject(answer);
  return { ...toOutputs(definition, body), id: body["id"] ?? id };
}

/** Runs a function by its token; rejects where there is none or ARM refuses. */
export async function invoke(
  instance: Instance,
  token: string,
  args: Values,
  signal: AbortSignal,
): Promise<Values> {
  const { settings } = instance;
  const [, module = "", name = ""] = token.split(":");
  const key = `${module}:${name}`;
  if (key === "authorization:getClientConfig") {
    const { clientId, objectId } = await instance.principal();
    return { clientId, objectId, subscriptionId: settings.subscriptionId, tenantId: settings.tenantId };
  }
  if (key === "authorization:getClientToken") {
    const endpoint = args["endpoint"];
    return { token: await instance.token(typeof endpoint === "string" ? endpoint : undefined) };
  }
  const action = Object.hasOwn(actions, key) ? actions[key] : undefined;
  if (action) return runAction(instance, action, args, signal);
  const type = /^get([A-Z]\w*)$/.exec(name)?.[1];
  if (type === undefined) throw new Error(`invoke type ${token} not found`);
  return runGetter(instance, `azure-native:${module}:${type}`, args, signal);
}
