import * as alertsmanagement from "@pulumi/azure-native/alertsmanagement/index.js";
import * as dashboard from "@pulumi/azure-native/dashboard/index.js";
import * as monitor from "@pulumi/azure-native/monitor/index.js";
import * as pulumi from "@pulumi/pulumi";
import { assignRole } from "../cluster/role.ts";
import type { Infrastructure } from "../infrastructure/infrastructure.ts";
import { inGroup } from "../placement.ts";
import { planAlerts, RULE_GROUPS } from "./alerts.ts";
import { Telemetry } from "./telemetry.ts";
import type { TelemetryTarget } from "./telemetry.ts";

export interface AzureObservabilityArgs {
  infrastructure: Infrastructure;
  /** The namespace whose services are watched. */
  namespace: string;
}

/** Managed Prometheus and Grafana, logs and traces, alert rules, and the diagnostic logs of the parts that Azure runs. */
export class AzureObservability extends pulumi.ComponentResource {
  readonly telemetry: TelemetryTarget;
  readonly grafanaEndpoint: pulumi.Output<string>;
  readonly prometheusEndpoint: pulumi.Output<string>;

  constructor(name: string, args: AzureObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:observability:AzureObservability", name, {}, opts);
    const { placement } = args.infrastructure;
    const metrics = new monitor.AzureMonitorWorkspace(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        azureMonitorWorkspaceName: placement.names.metrics,
        location: placement.location,
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    this.collectMetrics(name, args.infrastructure, metrics);
    this.raiseAlerts(name, args, metrics);
    const telemetry = new Telemetry(name, { infrastructure: args.infrastructure }, { parent: this });
    this.telemetry = telemetry.target;
    this.keepDiagnostics(name, args.infrastructure, telemetry.workspaceId);
    const grafana = this.createGrafana(name, args.infrastructure, metrics);
    this.grafanaEndpoint = grafana.properties.apply((properties) => properties?.endpoint ?? "");
    this.prometheusEndpoint = metrics.metrics.apply((found) => found?.prometheusQueryEndpoint ?? "");
    this.registerOutputs({
      grafanaEndpoint: this.grafanaEndpoint,
      prometheusEndpoint: this.prometheusEndpoint,
    });
  }

  /** What the cluster's metrics agent sends: to the workspace, by the rule that Azure makes with it. */
  private collectMetrics(
    name: string,
    { placement, cluster }: Infrastructure,
    metrics: monitor.AzureMonitorWorkspace,
  ): void {
    const defaults = metrics.defaultIngestionSettings;
    const onCluster = inGroup(this, placement, { deletedWith: cluster.managedCluster });
    new monitor.DataCollectionRuleAssociation(
      `${name}-metrics`,
      {
        resourceUri: cluster.clusterId,
        associationName: "prometheus-metrics",
        dataCollectionRuleId: defaults.dataCollectionRuleResourceId,
      },
      onCluster,
    );
    new monitor.DataCollectionRuleAssociation(
      `${name}-endpoint`,
      // The one name under which an endpoint can be associated.
      {
        resourceUri: cluster.clusterId,
        associationName: "configurationAccessEndpoint",
        dataCollectionEndpointId: defaults.dataCollectionEndpointResourceId,
      },
      onCluster,
    );
  }

  private raiseAlerts(
    name: string,
    { infrastructure, namespace }: AzureObservabilityArgs,
    metrics: monitor.AzureMonitorWorkspace,
  ): void {
    const { placement, cluster } = infrastructure;
    const alerts = planAlerts(namespace);
    for (const group of RULE_GROUPS) {
      new alertsmanagement.PrometheusRuleGroup(
        `${name}-${group}`,
        {
          resourceGroupName: placement.resourceGroupName,
          ruleGroupName: `${placement.names.cluster}-${group}`,
          location: placement.location,
          clusterName: cluster.clusterName,
          scopes: [metrics.id],
          interval: "PT1M",
          enabled: true,
          rules: alerts[group],
          tags: placement.tags,
        },
        inGroup(this, placement),
      );
    }
  }

  private keepDiagnostics(
    name: string,
    { cluster, stores }: Infrastructure,
    workspaceId: pulumi.Output<string>,
  ): void {
    const categories = (...names: string[]) => names.map((category) => ({ category, enabled: true }));
    const audit = [{ categoryGroup: "audit", enabled: true }];
    const all = [{ categoryGroup: "allLogs", enabled: true }];
    for (const [part, resourceUri, logs] of [
      [
        "cluster",
        cluster.clusterId,
        categories("kube-audit-admin", "guard", "cluster-autoscaler", "kube-controller-manager"),
      ],
      ["postgres", stores.postgres.server.id, all],
      ["vault", stores.vaultId, audit],
      ["events", stores.eventsId, all],
    ] as const) {
      new monitor.DiagnosticSetting(
        `${name}-${part}`,
        {
          name: "tierlift",
          resourceUri,
          workspaceId,
          logs: [...logs],
          metrics: [{ category: "AllMetrics", enabled: part !== "cluster" }],
        },
        // Not `deletedWith`: a setting outlives its resource and comes back on the next one of the same id.
        { parent: this },
      );
    }
  }

  private createGrafana(
    name: string,
    { placement }: Infrastructure,
    metrics: monitor.AzureMonitorWorkspace,
  ): dashboard.Grafana {
    const grafana = new dashboard.Grafana(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        workspaceName: placement.names.grafana,
        location: placement.location,
        sku: { name: "Standard" },
        identity: { type: "SystemAssigned" },
        properties: {
          apiKey: "Disabled",
          publicNetworkAccess: "Enabled",
          // Cannot change later, so it is what the larger tier needs.
          zoneRedundancy: "Enabled",
          grafanaIntegrations: {
            azureMonitorWorkspaceIntegrations: [{ azureMonitorWorkspaceResourceId: metrics.id }],
          },
        },
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    assignRole(
      `${name}-grafana`,
      {
        placement,
        role: "monitoringDataReader",
        principalId: grafana.identity.apply((identity) => identity?.principalId ?? ""),
        scope: metrics.id,
      },
      this,
    );
    return grafana;
  }
}
