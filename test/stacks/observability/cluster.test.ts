import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as config from "../../../stacks/observability/cluster-config.ts";
import { ClusterObservability } from "../../../stacks/observability/cluster.ts";
import { planCollectorConfig } from "../../../stacks/observability/collector.ts";
import { SERVICES, SERVICE_NAMES } from "../../../stacks/services/catalogue.ts";
import { record, revealSecret, tenant } from "../kubernetes/recorder.ts";

interface Job {
  job_name: string;
  metrics_path: string;
  kubernetes_sd_configs: { namespaces: { names: string[] } }[];
  relabel_configs: { source_labels: string[]; regex?: string; action?: string }[];
}

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

  it("declares the agents' settings where and as the agents look for them", async () => {
    const declared = await record(
      () => new ClusterObservability("acme", { tenant, tier: "PROFESSIONAL", namespace: "matih" }),
    );
    const names = declared
      .of("kubernetes:core/v1:ConfigMap")
      .map(({ inputs }) => inputs.metadata as { name: string; namespace: string })
      .filter(({ namespace }) => namespace === "kube-system")
      .map(({ name }) => name);
    expect(names.sort()).toEqual([
      "ama-metrics-prometheus-config",
      "ama-metrics-settings-configmap",
      "container-azm-ms-agentconfig",
    ]);
    expect(declared.of("kubernetes:core/v1:Secret")).toEqual([]);
  });

  it("keeps the exporter's connection string in a Secret", async () => {
    const declared = await record(
      () =>
        new ClusterObservability("acme", {
          tenant,
          tier: "PROFESSIONAL",
          namespace: "matih",
          traceConnectionString: "InstrumentationKey=1",
        }),
    );
    const [secret] = declared.of("kubernetes:core/v1:Secret");
    expect(revealSecret(secret!.inputs.stringData)).toEqual({ connectionString: "InstrumentationKey=1" });
    expect(JSON.stringify(declared.of("kubernetes:core/v1:ConfigMap"))).not.toContain("InstrumentationKey");
  });

  it.each([
    [true, ["azuremonitor"]],
    [false, ["debug"]],
  ])("exports traces to Azure: %s by %j", (toAzure, exporters) => {
    expect(JSON.parse(planCollectorConfig(toAzure))).toMatchObject({
      service: { pipelines: { traces: { receivers: ["otlp"], exporters } } },
    });
  });

  it("shows a dashboard of the tenant's services", () => {
    expect(config.planDashboard("acme", "matih")).toMatchObject({
      title: "Services of acme",
      uid: "matih-acme",
    });
  });
});
