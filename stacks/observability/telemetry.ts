import * as applicationinsights from "@pulumi/azure-native/applicationinsights/index.js";
import * as operationalinsights from "@pulumi/azure-native/operationalinsights/index.js";
import * as pulumi from "@pulumi/pulumi";
import { createIdentity, federate } from "../cluster/identity.ts";
import { assignRole } from "../cluster/role.ts";
import type { Infrastructure } from "../infrastructure/infrastructure.ts";
import { inGroup } from "../placement.ts";
import { COLLECTOR_NAME, OBSERVABILITY_NAMESPACE } from "./collector.ts";

/** What a cluster's collector needs to send what it collects. */
export interface TelemetryTarget {
  /** Says where to and for which component; it admits nobody, since only identities are let in. */
  connectionString: pulumi.Output<string>;
  /** Of the identity that the collector's pods act as. */
  clientId: pulumi.Output<string>;
}

/** Where logs and traces are kept: a workspace, Application Insights on top of it, and who may send. */
export class Telemetry extends pulumi.ComponentResource {
  readonly workspaceId: pulumi.Output<string>;
  readonly target: TelemetryTarget;

  constructor(
    name: string,
    { infrastructure }: { infrastructure: Infrastructure },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("tierlift:observability:Telemetry", name, {}, opts);
    const { placement, cluster } = infrastructure;
    const { resourceGroupName, location, tags } = placement;
    const workspace = new operationalinsights.Workspace(
      name,
      {
        resourceGroupName,
        workspaceName: placement.names.workspace,
        location,
        sku: { name: "PerGB2018" },
        retentionInDays: 30,
        features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true },
        tags,
      },
      inGroup(this, placement),
    );
    const insights = new applicationinsights.Component(
      name,
      {
        resourceGroupName,
        resourceName: placement.names.insights,
        location,
        kind: "web",
        applicationType: "web",
        ingestionMode: "LogAnalytics",
        workspaceResourceId: workspace.id,
        disableLocalAuth: true,
        tags,
      },
      inGroup(this, placement),
    );
    const sender = createIdentity(`${name}-telemetry`, placement.names.telemetryIdentity, placement, this);
    federate(
      name,
      {
        placement,
        identity: sender,
        issuer: cluster.issuer,
        serviceAccounts: [`${OBSERVABILITY_NAMESPACE}:${COLLECTOR_NAME}`],
      },
      this,
    );
    assignRole(
      `${name}-telemetry`,
      // For logs and traces too. https://learn.microsoft.com/azure/azure-monitor/app/azure-ad-authentication
      {
        placement,
        role: "monitoringMetricsPublisher",
        principalId: sender.principalId,
        scope: insights.id,
      },
      this,
    );
    this.workspaceId = workspace.id;
    this.target = { connectionString: insights.connectionString, clientId: sender.clientId };
    this.registerOutputs({ workspaceId: workspace.id });
  }
}
