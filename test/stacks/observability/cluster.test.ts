import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as config from "../../../stacks/observability/cluster-config.ts";
import { ClusterObservability } from "../../../stacks/observability/cluster.ts";
import {
  OTLP_ENDPOINT,
  planCollectorConfig,
  planCollectorDeployment,
} from "../../../stacks/observability/collector.ts";
import { planLogAgentConfig } from "../../../stacks/observability/log-agent.ts";
import { SERVICES, SERVICE_NAMES } from "../../../stacks/services/catalogue.ts";
import { record, revealSecret, telemetry, tenant } from "../kubernetes/recorder.ts";

interface Job {
  job_name: string;
  metrics_path: string;
  kubernetes_sd_configs: { namespaces: { names: string[] } }[];
  relabel_configs: { source_labels: string[]; regex?: string; action?: string }[];
}

const declare = () =>
  record(
    () => new ClusterObservability("acme", { tenant, tier: "PROFESSIONAL", namespace: "matih", telemetry }),
  );

describe("what a cluster holds for its observation", () => {
  it("scrapes every service by a job of its own, at its port and path", () => {
    const { scrape_configs: jobs } = parse(config.planMetricsJobs("matih")["prometheus-config"]!) as {
      scrape_configs: Job[];
    };
    expect(jobs.map((job) => job.job_name)).toEqual([...SERVICE_NAMES]);
    const query = jobs[0]!;
    expect(query.metrics_path).toBe("/actuator/prometheus");
    expect(query.kubernetes_sd_configs[0]!.namespaces.names).toEqual(["matih"]);
    expect(query.relabel_configs).toContainEqual({
      source_labels: ["__meta_kubernetes_pod_container_port_number"],
      regex: String(SERVICES["query-engine"].port),
      action: "keep",
    });
  });

  it("does not scrape by annotation as well", () => {
    expect(config.planMetricsSettings("acme")["pod-annotation-based-scraping"]).toBe(
      'podannotationnamespaceregex = ""',
    );
  });

  it("declares the agent's settings where and as the agent looks for them", async () => {
    const names = (await declare())
      .of("kubernetes:core/v1:ConfigMap")
      .map(({ inputs }) => inputs.metadata as { name: string; namespace: string })
      .filter(({ namespace }) => namespace === "kube-system")
      .map(({ name }) => name);
    expect(names.sort()).toEqual(["ama-metrics-prometheus-config", "ama-metrics-settings-configmap"]);
  });

  it("keeps the exporter's connection string in a Secret", async () => {
    const declared = await declare();
    const [secret] = declared.of("kubernetes:core/v1:Secret");
    expect(revealSecret(secret!.inputs.data)).toEqual({ connectionString: btoa("InstrumentationKey=1") });
    expect(JSON.stringify(declared.of("kubernetes:core/v1:ConfigMap"))).not.toContain("InstrumentationKey");
  });

  it("sends traces and logs to Azure as the collector's own identity", async () => {
    expect(JSON.parse(planCollectorConfig())).toMatchObject({
      exporters: { azuremonitor: { auth: { authenticator: "azure_auth" } } },
      service: {
        extensions: ["health_check", "azure_auth"],
        pipelines: {
          traces: { receivers: ["otlp"], exporters: ["azuremonitor"] },
          logs: { receivers: ["otlp"], exporters: ["azuremonitor"] },
        },
      },
    });
    const declared = await declare();
    const [account] = declared.of("kubernetes:core/v1:ServiceAccount");
    expect(account!.inputs.metadata).toMatchObject({
      name: "otel-collector",
      namespace: "observability",
      annotations: { "azure.workload.identity/client-id": "dddddddd-0000-0000-0000-000000000003" },
    });
    const pods = planCollectorDeployment().template;
    expect(pods).toMatchObject({
      metadata: { labels: { "azure.workload.identity/use": "true" } },
      spec: { serviceAccountName: "otel-collector" },
    });
  });

  it("reads the logs of every node's containers but those that Azure or the agents run", async () => {
    const { receivers, exporters } = JSON.parse(planLogAgentConfig()) as {
      receivers: { file_log: { include: string[]; exclude: string[]; storage: string } };
      exporters: { otlp: { endpoint: string } };
    };
    expect(receivers.file_log).toMatchObject({
      include: ["/var/log/pods/*/*/*.log"],
      exclude: [
        "/var/log/pods/kube-system_*/*/*.log",
        "/var/log/pods/gatekeeper-system_*/*/*.log",
        "/var/log/pods/node-logs_*/*/*.log",
      ],
      storage: "file_storage",
    });
    expect(exporters.otlp.endpoint).toBe(OTLP_ENDPOINT);
    const [agent] = (await declare()).of("kubernetes:apps/v1:DaemonSet");
    expect(agent!.inputs.spec).toMatchObject({
      template: {
        spec: {
          tolerations: [{ operator: "Exists" }],
          volumes: [{ name: "config" }, { hostPath: { path: "/var/log/pods" } }, { name: "offsets" }],
        },
      },
    });
  });

  it("lets pods mount a node's folders in the agents' namespace only", async () => {
    const levels = (await declare()).of("kubernetes:core/v1:Namespace").map(({ inputs }) => {
      const { name, labels } = inputs.metadata as { name: string; labels: Record<string, string> };
      return [name, labels["pod-security.kubernetes.io/enforce"]];
    });
    expect(levels).toEqual([
      ["observability", "restricted"],
      ["node-logs", "privileged"],
    ]);
  });

  it("shows a dashboard of the tenant's services", () => {
    expect(config.planDashboard("acme", "matih")).toMatchObject({
      title: "Services of acme",
      uid: "matih-acme",
    });
  });
});
