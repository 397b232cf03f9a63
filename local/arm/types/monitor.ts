/** Observability: Log Analytics, Application Insights, Azure Monitor workspaces, data collection, rule groups, Grafana. */
import { randomBytes, randomUUID } from "node:crypto";
import { badRequest } from "../errors.ts";
import { isRecord, listAt, recordAt, stringAt, valueAt } from "../http.ts";
import type { StoredResource } from "../store.ts";
import { groupId } from "../path.ts";
import { findDeletedWorkspace } from "../vaults/soft-delete.ts";
import { asynchronous, plain } from "./behaviour.ts";
import type { PutContext, TypeBehaviour } from "./behaviour.ts";

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");

const workspaces: TypeBehaviour = {
  type: "Microsoft.OperationalInsights/workspaces",
  ...asynchronous,
  hasState: true,
  nameError: { code: "InvalidResourceName", message: "The workspace name is invalid." },
  namePattern: /^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$/,
  writeOnly: ["private"],
  defaults: () => ({
    properties: {
      sku: { name: "PerGB2018" },
      retentionInDays: 30,
      publicNetworkAccessForIngestion: "Enabled",
      publicNetworkAccessForQuery: "Enabled",
      workspaceCapping: { dailyQuotaGb: -1 },
      features: { enableLogAccessUsingOnlyResourcePermissions: true },
    },
  }),
  outputs: (context) => {
    const { cloud, resource, previous } = context;
    const modified = { modifiedDate: resource.changedAt };
    if (previous !== undefined) return { properties: modified };
    const deleted = findDeletedWorkspace(cloud, resource.id);
    if (deleted !== undefined && deleted.resource.location === resource.location) {
      cloud.store.purge(deleted);
      return deleted.resource.outputs;
    }
    const keys = {
      primarySharedKey: randomBytes(64).toString("base64"),
      secondarySharedKey: randomBytes(64).toString("base64"),
    };
    return {
      private: keys,
      properties: { ...modified, customerId: randomUUID(), createdDate: resource.createdAt },
    };
  },
  actions: { sharedkeys: ({ resource }) => valueAt(resource.body, "private") },
};

const accounts: TypeBehaviour = {
  type: "Microsoft.Monitor/accounts",
  put: { created: 201, updated: 200 },
  delete: asynchronous.delete,
  hasState: true,
  defaults: () => ({ properties: { publicNetworkAccess: "Enabled" } }),
  outputs: ({ resource, previous }) => {
    if (previous !== undefined) return {};
    const managed = `${managedGroup(resource)}/providers/Microsoft.Insights`;
    return {
      properties: {
        accountId: randomUUID(),
        metrics: {
          internalId: `mac_${randomUUID()}`,
          prometheusQueryEndpoint: `https://${resource.name}-${hex(2)}.${resource.location ?? ""}.prometheus.monitor.azure.com`,
        },
        defaultIngestionSettings: {
          dataCollectionEndpointResourceId: `${managed}/dataCollectionEndpoints/${resource.name}`,
          dataCollectionRuleResourceId: `${managed}/dataCollectionRules/${resource.name}`,
        },
      },
    };
  },
  stored: storeIngestion,
  takesAlong: (resource) => [managedGroup(resource)],
};

const managedGroup = (account: StoredResource): string =>
  groupId(account.subscriptionId, `MA_${account.name}_${account.location ?? ""}_managed`);

/** The group Azure makes beside a workspace, with its default endpoint and rule. */
function storeIngestion({ resource, cloud, previous }: PutContext): void {
  if (previous !== undefined) return;
  const id = managedGroup(resource);
  const name = id.split("/").at(-1) ?? "";
  const made = { ...resource, resourceGroup: name, outputs: {}, state: "Succeeded" };
  const put = (type: string, of: string, body: Record<string, unknown>): void =>
    cloud.store.put({
      ...made,
      id: of,
      type,
      name: of.split("/").at(-1) ?? "",
      body,
      outputs: body,
      etag: randomUUID(),
    });
  put("Microsoft.Resources/resourceGroups", id, { managedBy: resource.id });
  const settings = recordAt(resource.outputs, "properties.defaultIngestionSettings");
  const endpointId = String(settings["dataCollectionEndpointResourceId"]);
  put(endpointType, endpointId, { properties: endpointOutputs(resource) });
  const destination = {
    monitoringAccounts: [{ accountResourceId: resource.id, name: "MonitoringAccount1" }],
  };
  put(ruleType, String(settings["dataCollectionRuleResourceId"]), {
    properties: {
      immutableId: `dcr-${hex(16)}`,
      dataCollectionEndpointId: endpointId,
      dataSources: {
        prometheusForwarder: [{ name: "PrometheusDataSource", streams: ["Microsoft-PrometheusMetrics"] }],
      },
      destinations: destination,
      dataFlows: [{ streams: ["Microsoft-PrometheusMetrics"], destinations: ["MonitoringAccount1"] }],
    },
  });
}

const endpointType = "Microsoft.Insights/dataCollectionEndpoints";
const ruleType = "Microsoft.Insights/dataCollectionRules";

function endpointOutputs(resource: StoredResource): Record<string, unknown> {
  const host = (service: string): Record<string, string> => ({
    endpoint: `https://${resource.name}-${hex(2)}.${resource.location ?? ""}-1.${service}.monitor.azure.com`,
  });
  return {
    immutableId: `dce-${hex(16)}`,
    configurationAccess: host("handler.control"),
    logsIngestion: host("ingest"),
    metricsIngestion: host("metrics.ingest"),
  };
}

const components: TypeBehaviour = {
  type: "Microsoft.Insights/components",
  ...plain,
  put: { created: 200, updated: 200 },
  hasState: true,
  createOnly: [{ path: "kind" }],
  defaults: () => ({
    properties: {
      Flow_Type: "Bluefield",
      Request_Source: "rest",
      IngestionMode: "LogAnalytics",
      RetentionInDays: 90,
      DisableIpMasking: false,
      DisableLocalAuth: false,
      publicNetworkAccessForIngestion: "Enabled",
      publicNetworkAccessForQuery: "Enabled",
    },
  }),
  check: ({ cloud, resource }) => {
    const id = stringAt(resource.body, "properties.WorkspaceResourceId");
    if (id !== undefined && cloud.store.get(id) !== undefined) return;
    throw badRequest(
      "BadRequest",
      id === undefined
        ? "WorkspaceResourceId is required: components without a workspace are no longer made."
        : `The workspace '${id}' was not found.`,
      "properties.WorkspaceResourceId",
    );
  },
  outputs: ({ resource, previous }) => {
    if (previous !== undefined) return {};
    const [applicationId, key] = [randomUUID(), randomUUID()];
    const place = resource.location ?? "";
    return {
      properties: {
        ApplicationId: resource.name,
        AppId: applicationId,
        InstrumentationKey: key,
        ConnectionString: [
          `InstrumentationKey=${key}`,
          `IngestionEndpoint=https://${place}-1.in.applicationinsights.azure.com/`,
          `LiveEndpoint=https://${place}.livediagnostics.monitor.azure.com/`,
          `ApplicationId=${applicationId}`,
        ].join(";"),
        CreationDate: resource.createdAt,
        TenantId: resource.subscriptionId,
      },
    };
  },
};

const dataCollectionEndpoints: TypeBehaviour = {
  type: endpointType,
  ...plain,
  hasState: true,
  outputs: ({ resource, previous }) =>
    previous === undefined ? { properties: endpointOutputs(resource) } : {},
};

const dataCollectionRules: TypeBehaviour = {
  type: ruleType,
  ...plain,
  hasState: true,
  createOnly: [{ path: "kind" }],
  check: ({ resource }) => {
    const named = new Set(
      Object.values(recordAt(resource.body, "properties.destinations"))
        .flatMap((destination) => (Array.isArray(destination) ? (destination as unknown[]) : [destination]))
        .map((destination) => (isRecord(destination) ? destination["name"] : undefined)),
    );
    for (const [index, flow] of listAt(resource.body, "properties.dataFlows").entries()) {
      const unknown = listAt(flow, "destinations").find((name) => !named.has(name));
      if (unknown === undefined) continue;
      throw badRequest(
        "InvalidPayload",
        `Data collection rule is invalid: 'properties.dataFlows[${index}].destinations' refers to a destination '${JSON.stringify(unknown)}' that is not declared.`,
        `properties.dataFlows[${index}].destinations`,
      );
    }
  },
  outputs: ({ previous }) =>
    previous === undefined ? { properties: { immutableId: `dcr-${hex(16)}` } } : {},
};

const dataCollectionRuleAssociations: TypeBehaviour = {
  type: "Microsoft.Insights/dataCollectionRuleAssociations",
  ...plain,
  hasState: true,
  isExtension: true,
  check: ({ cloud, resource }) => {
    for (const name of ["dataCollectionRuleId", "dataCollectionEndpointId"]) {
      const id = stringAt(resource.body, `properties.${name}`);
      if (id === undefined || cloud.store.get(id) !== undefined) continue;
      throw badRequest(
        "InvalidPayload",
        `'properties.${name}': '${id}' was not found.`,
        `properties.${name}`,
      );
    }
  },
};

const diagnosticSettings: TypeBehaviour = {
  type: "Microsoft.Insights/diagnosticSettings",
  put: { created: 200, updated: 200 },
  delete: { accepted: 200 },
  isExtension: true,
  check: ({ resource }) => {
    const sinks = ["workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId"];
    if (sinks.some((name) => stringAt(resource.body, `properties.${name}`) !== undefined)) return;
    throw badRequest("BadRequest", "At least one data sink needs to be specified.");
  },
};

const prometheusRuleGroups: TypeBehaviour = {
  type: "Microsoft.AlertsManagement/prometheusRuleGroups",
  ...plain,
  defaults: () => ({ properties: { enabled: true } }),
};

const grafana: TypeBehaviour = {
  type: "Microsoft.Dashboard/grafana",
  ...asynchronous,
  hasState: true,
  nameError: { code: "InvalidResourceName", message: "The Grafana workspace name is invalid." },
  namePattern: /^[a-zA-Z][a-zA-Z0-9-]{0,21}[a-zA-Z0-9]$/,
  createOnly: [{ path: "sku.name" }, { path: "properties.zoneRedundancy" }],
  defaults: () => ({
    sku: { name: "Standard" },
    properties: {
      apiKey: "Disabled",
      autoGeneratedDomainNameLabelScope: "TenantReuse",
      deterministicOutboundIP: "Disabled",
      publicNetworkAccess: "Enabled",
      zoneRedundancy: "Disabled",
      grafanaMajorVersion: "11",
    },
  }),
  outputs: ({ resource, previous }) => ({
    properties: {
      grafanaVersion: `${stringAt(resource.body, "properties.grafanaMajorVersion") ?? "11"}.2.2`,
      ...(previous === undefined
        ? { endpoint: `https://${resource.name}-${hex(4)}.${resource.location ?? ""}.grafana.azure.com` }
        : {}),
    },
  }),
};

export const monitor: TypeBehaviour[] = [
  workspaces,
  components,
  accounts,
  dataCollectionEndpoints,
  dataCollectionRules,
  dataCollectionRuleAssociations,
  diagnosticSettings,
  prometheusRuleGroups,
  grafana,
];
