import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import {
  parseBootstrapPorts,
  planNetworkPolicies,
  planStorePolicy,
} from "../../../stacks/kubernetes/policies.ts";
import { TenantNamespace } from "../../../stacks/kubernetes/tenant-namespace.ts";
import { SERVICE_NAMES } from "../../../stacks/services/catalogue.ts";
import { record, revealSecret, stores, tenant } from "./recorder.ts";
import type { Recording } from "./recorder.ts";

let declared: Recording<TenantNamespace>;

beforeAll(async () => {
  declared = await record(
    () =>
      new TenantNamespace("acme", {
        tenant,
        tier: "PROFESSIONAL",
        namespace: "matih",
        stores,
        workloadClientId: pulumi.output("client-id"),
      }),
  );
});

const one = (type: string) => declared.of(type)[0]!.inputs;

describe("a tenant's namespace", () => {
  it("says whose it is and takes restricted pods only", () => {
    expect(one("kubernetes:core/v1:Namespace").metadata).toEqual({
      name: "matih",
      labels: {
        "matih.ai/tenant-id": tenant.id,
        "matih.ai/tenant-slug": "acme",
        "matih.ai/tier": "PROFESSIONAL",
        "matih.ai/region": "westeurope",
        "matih.ai/managed-by": "tierlift",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    });
  });

  it("has the tier's quota and the documented limit range", () => {
    expect(one("kubernetes:core/v1:ResourceQuota").spec).toEqual({
      hard: {
        "requests.cpu": "16",
        "limits.cpu": "32",
        "requests.memory": "32Gi",
        "limits.memory": "64Gi",
        pods: "100",
        services: "100",
        persistentvolumeclaims: "50",
        "requests.storage": "500Gi",
      },
    });
    expect(one("kubernetes:core/v1:LimitRange").spec).toEqual({
      limits: [
        {
          type: "Container",
          default: { cpu: "500m", memory: "512Mi" },
          defaultRequest: { cpu: "100m", memory: "256Mi" },
          max: { cpu: "2", memory: "4Gi" },
          min: { cpu: "50m", memory: "64Mi" },
        },
      ],
    });
  });

  it("has an account for each service, bound to the managed identity", () => {
    const accounts = declared.of("kubernetes:core/v1:ServiceAccount").map(({ inputs }) => inputs.metadata);
    expect(accounts).toHaveLength(13);
    expect(accounts).toMatchObject(
      SERVICE_NAMES.map((name) => ({
        name,
        annotations: { "azure.workload.identity/client-id": "client-id" },
      })),
    );
  });

  it("gives nobody the right to read Secrets", () => {
    const rules = declared
      .of("kubernetes:rbac.authorization.k8s.io/v1:Role")
      .flatMap(({ inputs }) => inputs.rules);
    expect(rules.length).toBeGreaterThan(0);
    expect(JSON.stringify(rules)).not.toContain("secrets");
    expect(declared.of("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")).toHaveLength(2);
  });

  it("keeps the stores' passwords in Secrets, and there as secrets of the stack", () => {
    const secrets = new Map(
      declared
        .of("kubernetes:core/v1:Secret")
        .map(({ inputs }) => [(inputs.metadata as { name: string }).name, inputs.stringData]),
    );
    expect([...secrets.keys()].sort()).toEqual(["postgres-credentials", "redis-credentials"]);
    expect(revealSecret(secrets.get("postgres-credentials"))).toEqual({
      username: "tenant_acme",
      password: "p@ss/word",
      passwordUrlEncoded: "p%40ss%2Fword",
    });
  });
});

describe("network policies", () => {
  it("deny everything that no other one lets through", () => {
    expect(planNetworkPolicies()["deny-all"]).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
    expect(declared.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")).toHaveLength(10);
  });

  it("let the services that show an identity to the event hubs reach the directory", () => {
    const policies = declared.of("kubernetes:networking.k8s.io/v1:NetworkPolicy").map(({ inputs }) => inputs);
    const found = policies.filter(
      ({ metadata }) => (metadata as { name: string }).name === "allow-identity-to-https",
    );
    expect(found).toMatchObject([
      {
        spec: {
          podSelector: {
            matchExpressions: [
              {
                key: "app.kubernetes.io/name",
                operator: "In",
                values: ["pipeline-service", "data-plane-agent", "ops-agent-service"],
              },
            ],
          },
          policyTypes: ["Egress"],
          egress: [{ ports: [{ protocol: "TCP", port: 443 }] }],
        },
      },
    ]);
  });

  it("let the web be reached from ai-service only, where nobody acts as an identity", () => {
    const reaching = Object.entries(planNetworkPolicies()).filter(([, spec]) =>
      JSON.stringify(spec).includes("443"),
    );
    expect(reaching).toMatchObject([
      ["allow-ai-to-https", { podSelector: { matchLabels: { "app.kubernetes.io/name": "ai-service" } } }],
    ]);
  });

  it.each([
    [
      [5432, 6379, 9093],
      [5432, 6379, 10000, 9092, 9093],
    ],
    [
      [41001, 41002],
      [5432, 6379, 10000, 9092, 9093, 41001, 41002],
    ],
  ])("let %j out to the stores by ports %j", (actual, expected) => {
    expect(planStorePolicy(actual)).toEqual({
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [{ ports: expected.map((port) => ({ protocol: "TCP", port })) }],
    });
  });

  it.each([
    ["a:9092,b:9093", [9092, 9093]],
    ["namespace.servicebus.windows.net:9093", [9093]],
    ["no-port", []],
  ] as const)("read the ports of %s", (servers, ports) => {
    expect(parseBootstrapPorts(servers)).toEqual(ports);
  });
});
