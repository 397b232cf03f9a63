import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { SERVICES, SERVICE_NAMES } from "../../../stacks/services/catalogue.ts";
import { planEnvironment, planRedisScheme } from "../../../stacks/services/environment.ts";
import { planImage, planService } from "../../../stacks/services/manifests.ts";
import { Services } from "../../../stacks/services/services.ts";
import { sizeOf } from "../../../stacks/services/sizing.ts";
import type { Tier } from "../../../stacks/spec.ts";
import { record, stores, tenant } from "../kubernetes/recorder.ts";

const addresses = {
  postgresHost: "db",
  postgresPort: "5432",
  redisHost: "cache",
  redisPort: "10000",
  redisScheme: "rediss",
  kafkaBootstrapServers: "events:9093",
};

function declareServices(tier: Tier) {
  return record(
    () =>
      new Services("acme", {
        tenant,
        tier,
        namespace: pulumi.output("matih"),
        images: { registry: "registry.test/matih", tag: "1" },
        stores,
      }),
  );
}

describe("the services of a namespace", () => {
  it.each([
    ["FREE", 0],
    ["STARTER", 6],
    ["PROFESSIONAL", 6],
    ["ENTERPRISE", 6],
  ] as const)(
    "are 13 deployments, services and disruption budgets and on %s %d autoscalers",
    async (tier, scaled) => {
      const services = await declareServices(tier);
      expect(services.of("kubernetes:apps/v1:Deployment")).toHaveLength(13);
      expect(services.of("kubernetes:core/v1:Service")).toHaveLength(13);
      expect(services.of("kubernetes:policy/v1:PodDisruptionBudget")).toHaveLength(13);
      expect(services.of("kubernetes:autoscaling/v2:HorizontalPodAutoscaler")).toHaveLength(scaled);
    },
  );

  it("wait for the services they need, and for no other", async () => {
    const deployments = (await declareServices("PROFESSIONAL")).of("kubernetes:apps/v1:Deployment");
    const waits = deployments.map(({ name, dependsOn }) => [
      name,
      dependsOn.filter((urn) => /Deployment::/.test(urn)),
    ]);
    expect(waits.filter(([, urns]) => urns?.length)).toEqual([
      ["acme-bi-service", [expect.stringMatching(/Deployment::acme-semantic-layer$/)]],
      ["acme-ai-service", [expect.stringMatching(/Deployment::acme-query-engine$/)]],
    ]);
  });

  it("leave the number of replicas to the autoscaler where there is one", async () => {
    const deployments = (await declareServices("PROFESSIONAL")).of("kubernetes:apps/v1:Deployment");
    const left = deployments.filter(({ inputs }) => !("replicas" in (inputs["spec"] as object)));
    expect(left.map(({ name }) => name.slice("acme-".length)).sort()).toEqual(
      SERVICE_NAMES.filter((name) => "autoscale" in SERVICES[name]).sort(),
    );
  });

  it("hold no password", async () => {
    const services = await declareServices("PROFESSIONAL");
    const text = JSON.stringify(services.resources.map(({ inputs }) => inputs));
    expect(text).not.toContain("p@ss");
    expect(text).not.toContain("c@che");
  });
});

interface Template {
  template: { spec: { securityContext: unknown; containers: { securityContext: unknown }[] } };
}

describe("a pod", () => {
  const placement = { image: "i", environment: [], spread: true, workloadIdentity: true };

  it.each(SERVICE_NAMES)("of %s meets the restricted pod security standard", (name) => {
    const { template } = planService(name, { ...placement, size: sizeOf(name, "STARTER") })
      .deployment as unknown as Template;
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(template.spec.containers[0]!.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it.each([
    ["query-engine", "/actuator/health/liveness", "/actuator/health/readiness", "/actuator/prometheus"],
    ["ai-service", "/health", "/health/ready", "/metrics"],
    ["render-service", "/health", "/health/ready", "/metrics"],
  ] as const)("of %s answers its probes at %s and %s, its metrics at %s", (name, live, ready, metrics) => {
    const deployment = planService(name, { ...placement, size: sizeOf(name, "STARTER") }).deployment;
    expect(deployment).toMatchObject({
      template: {
        metadata: {
          annotations: { "prometheus.io/path": metrics, "prometheus.io/port": String(SERVICES[name].port) },
        },
        spec: {
          containers: [
            {
              livenessProbe: {
                httpGet: { path: live },
                initialDelaySeconds: 30,
                periodSeconds: 10,
                timeoutSeconds: 5,
                failureThreshold: 3,
              },
              readinessProbe: {
                httpGet: { path: ready },
                initialDelaySeconds: 10,
                periodSeconds: 5,
                timeoutSeconds: 5,
                failureThreshold: 3,
              },
              startupProbe: {
                initialDelaySeconds: 10,
                periodSeconds: 5,
                timeoutSeconds: 5,
                failureThreshold: 30,
              },
            },
          ],
        },
      },
    });
  });
});

describe("an environment", () => {
  const namesOf = (service: keyof typeof SERVICES): string[] =>
    planEnvironment(service, SERVICES[service], addresses).map(({ name }) => name as string);

  it.each([
    [
      "query-engine",
      ["SPRING_DATASOURCE_URL", "DB_HOST", "DB_PORT", "DB_NAME", "REDIS_HOST"],
      ["DATABASE_URL"],
    ],
    ["pipeline-service", ["SPRING_DATASOURCE_URL", "KAFKA_BOOTSTRAP_SERVERS"], ["REDIS_HOST"]],
    [
      "ops-agent-service",
      ["DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS"],
      ["SPRING_DATASOURCE_URL"],
    ],
    ["render-service", ["NODE_ENV", "PORT", "REDIS_URL"], ["DB_HOST", "KAFKA_BOOTSTRAP_SERVERS"]],
    ["data-plane-agent", ["REDIS_HOST", "KAFKA_BOOTSTRAP_SERVERS"], ["DB_HOST"]],
  ] as const)("of %s tells what its stack expects of the stores it needs", (service, present, absent) => {
    expect(namesOf(service)).toEqual(expect.arrayContaining([...present]));
    for (const name of absent) expect(namesOf(service)).not.toContain(name);
  });

  it("takes every password from a Secret", () => {
    for (const service of SERVICE_NAMES) {
      for (const variable of planEnvironment(service, SERVICES[service], addresses)) {
        const carries = /PASSWORD/.test(variable.name as string);
        expect(carries).toBe(carries && variable.valueFrom !== undefined);
      }
    }
  });

  it("defines a name before the value that refers to it", () => {
    for (const service of SERVICE_NAMES) {
      const seen = new Set<string>();
      for (const { name, value } of planEnvironment(service, SERVICES[service], addresses)) {
        for (const [, used] of ((value as string | undefined) ?? "").matchAll(/\$\((\w+)\)/g))
          expect(seen).toContain(used);
        seen.add(name as string);
      }
    }
  });
});

it.each([
  [6379, "redis"],
  [6380, "rediss"],
  [10000, "rediss"],
  [41234, "rediss"],
] as const)("a cache on port %d is spoken to as %s", (port, scheme) => {
  expect(planRedisScheme(port)).toBe(scheme);
});

it("an image is found in the registry by service and tag", () => {
  expect(planImage("bi-service", { registry: "registry.test/matih/", tag: "20261122-abc" })).toBe(
    "registry.test/matih/bi-service:20261122-abc",
  );
});
