/** What a dedicated cluster holds for its own observation; workspaces, rules and dashboards of Azure are elsewhere. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Footing } from "../connections.ts";
import * as config from "./cluster-config.ts";
import * as collector from "./collector.ts";

export interface ClusterObservabilityArgs extends Footing {
  /** Of the services. */
  namespace: pulumi.Input<string>;
  /** Of Application Insights; without one the traces end in the collector's log. */
  traceConnectionString?: pulumi.Input<string>;
}

/** The monitoring agents' settings, the trace collector, and a dashboard. */
export class ClusterObservability extends pulumi.ComponentResource {
  constructor(name: string, args: ClusterObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:observability:ClusterObservability", name, {}, opts);
    const options: pulumi.CustomResourceOptions = { parent: this, deletedWith: args.deletedWith };
    this.configureAgents(name, args, options);

    const namespace = new kubernetes.core.v1.Namespace(
      `${name}-observability`,
      {
        metadata: {
          name: collector.OBSERVABILITY_NAMESPACE,
          labels: {
            "matih.ai/managed-by": "tierlift",
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/enforce-version": "latest",
          },
        },
      },
      options,
    );
    this.collectTraces(name, args, namespace.metadata.name, options);
    new kubernetes.core.v1.ConfigMap(
      `${name}-dashboard`,
      {
        metadata: {
          name: "services-dashboard",
          namespace: namespace.metadata.name,
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

  private configureAgents(
    name: string,
    { tenant, namespace }: ClusterObservabilityArgs,
    options: pulumi.CustomResourceOptions,
  ): void {
    const settings: [string, pulumi.Input<Record<string, string>>][] = [
      [config.METRICS_SETTINGS_NAME, config.planMetricsSettings(tenant.slug)],
      [config.METRICS_JOBS_NAME, pulumi.output(namespace).apply(config.planMetricsJobs)],
      [config.LOGS_SETTINGS_NAME, config.planLogsSettings()],
    ];
    for (const [configMap, data] of settings) {
      new kubernetes.core.v1.ConfigMap(
        `${name}-${configMap}`,
        { metadata: { name: configMap, namespace: config.AGENT_NAMESPACE }, data },
        options,
      );
    }
  }

  private collectTraces(
    name: string,
    { traceConnectionString }: ClusterObservabilityArgs,
    namespace: pulumi.Output<string>,
    options: pulumi.CustomResourceOptions,
  ): void {
    const exports = traceConnectionString !== undefined;
    const metadata = { name: collector.COLLECTOR_NAME, namespace, labels: collector.COLLECTOR_SELECTOR };
    const needed: pulumi.Resource[] = [
      new kubernetes.core.v1.ConfigMap(
        `${name}-collector`,
        { metadata, data: { "config.yaml": collector.planCollectorConfig(exports) } },
        options,
      ),
    ];
    if (exports) {
      needed.push(
        new kubernetes.core.v1.Secret(
          `${name}-trace-exporter`,
          {
            metadata: { name: collector.EXPORTER_SECRET, namespace },
            stringData: { [collector.EXPORTER_KEY]: pulumi.secret(traceConnectionString) },
          },
          options,
        ),
      );
    }
    const deployment = new kubernetes.apps.v1.Deployment(
      `${name}-collector`,
      { metadata, spec: collector.planCollectorDeployment(exports) },
      { ...options, dependsOn: needed },
    );
    new kubernetes.core.v1.Service(
      `${name}-collector`,
      { metadata, spec: collector.planCollectorService() },
      { ...options, dependsOn: [deployment] },
    );
  }
}
