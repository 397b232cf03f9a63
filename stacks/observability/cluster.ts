/** What a dedicated cluster holds for its own observation; workspaces, rules and dashboards of Azure are elsewhere. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Footing } from "../connections.ts";
import * as config from "./cluster-config.ts";
import * as collector from "./collector.ts";
import * as logAgent from "./log-agent.ts";
import type { TelemetryTarget } from "./telemetry.ts";

export interface ClusterObservabilityArgs extends Footing {
  /** Of the services. */
  namespace: pulumi.Input<string>;
  /** Where logs and traces go. */
  telemetry: TelemetryTarget;
}

/** The metrics agent's settings, the collector of traces and logs with an agent on every node, and a dashboard. */
export class ClusterObservability extends pulumi.ComponentResource {
  constructor(name: string, args: ClusterObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:observability:ClusterObservability", name, {}, opts);
    const options: pulumi.CustomResourceOptions = { parent: this, deletedWith: args.deletedWith };
    this.configureMetrics(name, args, options);
    const namespace = this.createNamespace(name, collector.OBSERVABILITY_NAMESPACE, "restricted", options);
    this.createCollector(name, args, namespace, options);
    const nodes = this.createNamespace(name, logAgent.LOG_AGENT_NAMESPACE, "privileged", options);
    this.createLogAgent(name, nodes, options);
    new kubernetes.core.v1.ConfigMap(
      `${name}-dashboard`,
      {
        metadata: {
          name: "services-dashboard",
          namespace,
          labels: { grafana_dashboard: "1" },
        },
        data: {
          "services.json": pulumi
            .output(args.namespace)
            .apply((services) => JSON.stringify(config.planDashboard(args.tenant.slug, services), null, 2)),
        },
      },
      options,
    );
    this.registerOutputs({});
  }

  private configureMetrics(
    name: string,
    { tenant, namespace }: ClusterObservabilityArgs,
    options: pulumi.CustomResourceOptions,
  ): void {
    const settings: [string, pulumi.Input<Record<string, string>>][] = [
      [config.METRICS_SETTINGS_NAME, config.planMetricsSettings(tenant.slug)],
      [config.METRICS_JOBS_NAME, pulumi.output(namespace).apply(config.planMetricsJobs)],
    ];
    for (const [configMap, data] of settings) {
      new kubernetes.core.v1.ConfigMap(
        `${name}-${configMap}`,
        { metadata: { name: configMap, namespace: config.AGENT_NAMESPACE }, data },
        options,
      );
    }
  }

  private createNamespace(
    name: string,
    namespace: string,
    podSecurity: "restricted" | "privileged",
    options: pulumi.CustomResourceOptions,
  ): pulumi.Output<string> {
    const { metadata } = new kubernetes.core.v1.Namespace(
      `${name}-${namespace}`,
      {
        metadata: {
          name: namespace,
          labels: {
            "matih.ai/managed-by": "tierlift",
            "pod-security.kubernetes.io/enforce": podSecurity,
            "pod-security.kubernetes.io/enforce-version": "latest",
          },
        },
      },
      options,
    );
    return metadata.name;
  }

  private createCollector(
    name: string,
    { telemetry }: ClusterObservabilityArgs,
    namespace: pulumi.Output<string>,
    options: pulumi.CustomResourceOptions,
  ): void {
    const metadata = { name: collector.COLLECTOR_NAME, namespace, labels: collector.COLLECTOR_SELECTOR };
    const needed = [
      new kubernetes.core.v1.ConfigMap(
        `${name}-collector`,
        { metadata, data: { "config.yaml": collector.planCollectorConfig() } },
        options,
      ),
      new kubernetes.core.v1.Secret(
        `${name}-telemetry-exporter`,
        {
          metadata: { name: collector.EXPORTER_SECRET, namespace },
          // Encoded here: a preview does not know the value and would not see that `stringData` becomes `data`.
          data: {
            [collector.EXPORTER_KEY]: pulumi.secret(
              telemetry.connectionString.apply((text) => Buffer.from(text).toString("base64")),
            ),
          },
        },
        options,
      ),
      new kubernetes.core.v1.ServiceAccount(
        `${name}-collector`,
        {
          metadata: {
            ...metadata,
            annotations: { "azure.workload.identity/client-id": telemetry.clientId },
          },
          automountServiceAccountToken: false,
        },
        options,
      ),
    ];
    const deployment = new kubernetes.apps.v1.Deployment(
      `${name}-collector`,
      { metadata, spec: collector.planCollectorDeployment() },
      { ...options, dependsOn: needed },
    );
    new kubernetes.core.v1.Service(
      `${name}-collector`,
      { metadata, spec: collector.planCollectorService() },
      { ...options, dependsOn: [deployment] },
    );
  }

  private createLogAgent(
    name: string,
    namespace: pulumi.Output<string>,
    options: pulumi.CustomResourceOptions,
  ): void {
    const metadata = { name: logAgent.LOG_AGENT_NAME, namespace, labels: logAgent.LOG_AGENT_SELECTOR };
    const settings = new kubernetes.core.v1.ConfigMap(
      `${name}-log-agent`,
      { metadata, data: { "config.yaml": logAgent.planLogAgentConfig() } },
      options,
    );
    new kubernetes.apps.v1.DaemonSet(
      `${name}-log-agent`,
      { metadata, spec: logAgent.planLogAgentDaemonSet() },
      { ...options, dependsOn: [settings] },
    );
  }
}
