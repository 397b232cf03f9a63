import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { planKubeconfig } from "../../stacks/cluster/kubeconfig.ts";
import { parseEndpoint } from "../../stacks/endpoints.ts";
import {
  planAssignmentName,
  planDedicatedNames,
  planNames,
  planRoleName,
  planTags,
} from "../../stacks/naming.ts";
import { planNetwork, SUBNETS } from "../../stacks/network/plan.ts";
import { planAlerts } from "../../stacks/observability/alerts.ts";
import { derivePlatformPassword, deriveTenantPassword } from "../../stacks/passwords.ts";
import { planBootstrapServers, TOPIC_NAMES, TOPICS } from "../../stacks/stores/plan.ts";
import { isDedicatedTier, isSharedTier, TIER_TABLE } from "../../stacks/tiers.ts";
import { TENANT } from "./program-mocks.ts";

describe("tiers", () => {
  it("are shared or dedicated, never both", () => {
    for (const tier of ["FREE", "STARTER", "PROFESSIONAL", "ENTERPRISE"] as const) {
      expect(isSharedTier(tier)).toBe(!isDedicatedTier(tier));
    }
    expect(isDedicatedTier("PROFESSIONAL")).toBe(true);
  });

  it("have the limits of the specification's table", () => {
    const rows = (["STARTER", "PROFESSIONAL", "ENTERPRISE"] as const).map((tier) => {
      const { maxUsers, maxConnections, storageGb, apiRatePerMinute, slaPercent } = TIER_TABLE[tier];
      return [maxUsers, maxConnections, storageGb, apiRatePerMinute, slaPercent];
    });
    expect(rows).toEqual([
      [25, 10, 50, 1000, 99.5],
      [100, 50, 500, 5000, 99.9],
      [null, 200, 5000, 20_000, 99.99],
    ]);
  });
});

describe("endpoints", () => {
  it.each([
    ["db.postgres.database.azure.com", { host: "db.postgres.database.azure.com", port: 5432 }],
    ["127.0.0.1:15432", { host: "127.0.0.1", port: 15_432 }],
    ["[::1]:99", { host: "[::1]", port: 99 }],
  ])("%s is read as host and port", (value, endpoint) => {
    expect(parseEndpoint(value, 5432)).toEqual(endpoint);
  });

  it.each(["", "host:0", "host:70000", "a:b:c", ":5432"])("%j is refused", (value) => {
    expect(() => parseEndpoint(value, 5432)).toThrow(RangeError);
  });

  it.each([
    ["https://ns.servicebus.windows.net:443/", "ns.servicebus.windows.net:9093"],
    ["https://127.0.0.1:19092/", "127.0.0.1:19092"],
  ])("of the namespace %s give Kafka's", (endpoint, servers) => {
    expect(planBootstrapServers(endpoint)).toBe(servers);
  });
});

describe("names", () => {
  const rules: Record<string, RegExp> = {
    storage: /^[a-z0-9]{3,24}$/,
    vault: /^[a-zA-Z](?:[a-zA-Z0-9]|-(?!-)){1,22}[a-zA-Z0-9]$/,
    postgres: /^[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]$/,
    cache: /^(?=.{1,60}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/,
    events: /^[a-zA-Z][a-zA-Z0-9-]{6,48}[a-zA-Z0-9]$/,
    cluster: /^[a-zA-Z0-9][-_a-zA-Z0-9]{0,61}[a-zA-Z0-9]$/,
    dnsPrefix: /^[a-zA-Z0-9][a-zA-Z0-9-]{0,52}[a-zA-Z0-9]$/,
    workspace: /^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$/,
    grafana: /^[a-zA-Z][a-zA-Z0-9-]{0,21}[a-zA-Z0-9]$/,
    metrics: /^[a-zA-Z0-9][a-zA-Z0-9-]{2,42}[a-zA-Z0-9]$/,
    collectionEndpoint: /^[a-zA-Z0-9][a-zA-Z0-9-]{1,42}[a-zA-Z0-9]$/,
    metricsRule: /^[a-zA-Z0-9][a-zA-Z0-9-]{1,62}[a-zA-Z0-9]$/,
    resourceGroup: /^.{1,90}$/,
    nodeResourceGroup: /^.{1,80}$/,
    network: /^.{2,64}$/,
    natIp: /^.{1,80}$/,
    workloadIdentity: /^.{3,128}$/,
  };
  const slugs = ["abc", "acme", "a--b--c", "x-".repeat(31) + "y", "z".repeat(63), "abcdefghijkl-mnop"];

  it.each(slugs)("of %s fit Azure's rules", (slug) => {
    const names = planDedicatedNames({ ...TENANT, slug }, "migration-1");
    for (const [kind, rule] of Object.entries(rules)) {
      expect(names[kind as keyof typeof names], kind).toMatch(rule);
    }
  });

  it("differ between tenants and migrations where they are global, and stay the same otherwise", () => {
    const first = planNames("acme", "tenant-1/migration-1");
    expect(planNames("acme", "tenant-1/migration-1")).toEqual(first);
    for (const other of [
      planNames("acme", "tenant-2/migration-1"),
      planNames("acme", "tenant-1/migration-2"),
    ]) {
      for (const kind of [
        "storage",
        "vault",
        "postgres",
        "cache",
        "events",
        "dnsPrefix",
        "grafana",
      ] as const) {
        expect(other[kind]).not.toBe(first[kind]);
      }
    }
  });

  it("of role assignments are UUIDs that differ by purpose", () => {
    const name = planAssignmentName("tenant/migration", "a");
    expect(name).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(planAssignmentName("tenant/migration", "b")).not.toBe(name);
  });

  it("of database roles have no hyphens and fit PostgreSQL", () => {
    expect(planRoleName("acme-corp")).toBe("tenant_acme_corp");
    const [long, other] = ["a", "b"].map((end) => planRoleName("z".repeat(62) + end));
    expect(long).toHaveLength(63);
    expect(other).not.toBe(long);
  });

  it("are tagged with tenant and migration, which stay when the tenant grows", () => {
    expect(planTags(TENANT, "m-1")).toEqual({
      tenant: "acme",
      "tenant-id": TENANT.id,
      migration: "m-1",
      "managed-by": "tierlift",
    });
  });
});

describe("passwords", () => {
  it("are the same for the same seed and purpose, and for no other", () => {
    const password = deriveTenantPassword("seed", TENANT.id, "postgres");
    expect(deriveTenantPassword("seed", TENANT.id, "postgres")).toBe(password);
    expect(deriveTenantPassword("seed", TENANT.id, "cache")).not.toBe(password);
    expect(deriveTenantPassword("other", TENANT.id, "postgres")).not.toBe(password);
    expect(derivePlatformPassword("seed", "postgres")).not.toBe(password);
  });

  it("hold upper case, lower case and a digit, and nothing that needs quoting", () => {
    for (let run = 0; run < 200; run += 1) {
      const password = deriveTenantPassword(`seed-${run}`, TENANT.id, "postgres");
      expect(password).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]{32}$/);
    }
  });

  it("are not derived from an empty seed", () => {
    expect(() => derivePlatformPassword("", "postgres")).toThrow(RangeError);
  });
});

describe("kubeconfig", () => {
  const principal = { clientId: "app", clientSecret: "s3cret", azureTenantId: "directory" };

  it("with certificates is left as it is", () => {
    const text = "# as answered\nusers:\n  - name: admin\n    user: { client-certificate-data: abc }\n";
    expect(planKubeconfig(text, principal)).toBe(text);
  });

  it("that asks kubelogin logs in as the service principal, with the secret in the environment only", () => {
    const text = `users:
  - name: clusterUser
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1beta1
        command: kubelogin
        args: [get-token, --environment, AzurePublicCloud, --server-id, server, --client-id, cli, --tenant-id, t, --login, devicecode]
        env: null
`;
    const planned = parse(planKubeconfig(text, principal)) as {
      users: { user: { exec: Record<string, unknown> } }[];
    };
    expect(planned.users[0]?.user.exec).toMatchObject({
      args: [
        "get-token",
        "--environment",
        "AzurePublicCloud",
        "--server-id",
        "server",
        "--login",
        "spn",
        "--tenant-id",
        "directory",
      ],
      env: [
        { name: "AAD_SERVICE_PRINCIPAL_CLIENT_ID", value: "app" },
        { name: "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET", value: "s3cret" },
      ],
    });
  });

  it("without a principal takes the command line's login", () => {
    const text =
      "users: [{ name: u, user: { exec: { command: /usr/bin/kubelogin, args: [get-token, -l, devicecode] } } }]";
    expect(planKubeconfig(text, undefined)).toContain("azurecli");
  });
});

describe("network", () => {
  it("keeps its subnets inside its range and apart from the platform's", () => {
    const plan = planNetwork(64);
    expect(plan.addressSpace).toBe("10.64.0.0/16");
    for (const subnet of SUBNETS) expect(plan.subnets[subnet].addressPrefix).toMatch(/^10\.64\./);
    expect(planNetwork(32).addressSpace).not.toBe(plan.addressSpace);
  });

  it("lets only the nodes reach the stores", () => {
    const { aks, postgres, endpoints } = planNetwork(64).subnets;
    for (const { rules } of [postgres, endpoints]) {
      const sources = rules
        .filter(({ access }) => access === "Allow")
        .map(({ sourceAddressPrefix }) => sourceAddressPrefix);
      expect(
        sources.every((source) => source === aks.addressPrefix || source === postgres.addressPrefix),
      ).toBe(true);
      expect(rules.at(-1)).toMatchObject({ access: "Deny", priority: 4096, sourceAddressPrefix: "*" });
    }
  });

  it("has one priority for each rule of a subnet", () => {
    for (const { rules } of Object.values(planNetwork(64).subnets)) {
      expect(new Set(rules.map(({ priority }) => priority)).size).toBe(rules.length);
    }
  });
});

describe("events", () => {
  it("have the ten topics with their partitions", () => {
    expect(TOPIC_NAMES).toHaveLength(10);
    expect(TOPIC_NAMES.filter((topic) => TOPICS[topic].partitions === 6)).toEqual([
      "tenant.lifecycle.events",
      "query.execution.events",
      "ai.agent.events",
      "security.audit.events",
    ]);
  });
});

describe("alerts", () => {
  it("cover what operators want to be woken for, within the namespace", () => {
    const rules = Object.values(planAlerts("matih")).flat();
    expect(rules.map(({ alert, for: duration }) => [alert, duration])).toEqual([
      ["ServiceDown", "PT2M"],
      ["ServiceHighRestartRate", "PT1M"],
      ["HighMemoryUsage", "PT5M"],
      ["HighCPUUsage", "PT10M"],
      ["HighErrorRate", "PT5M"],
      ["SlowRequests", "PT5M"],
      ["PostgreSQLDown", "PT1M"],
      ["KafkaBrokerDown", "PT2M"],
      ["HighDiskUsage", "PT15M"],
    ]);
    expect(rules[3]?.expression).toBe(
      'sum by (pod, container) (rate(container_cpu_usage_seconds_total{namespace="matih",container!=""}[5m]))' +
        ' / sum by (pod, container) (kube_pod_container_resource_limits{namespace="matih",resource="cpu"}) > 0.9',
    );
  });
});
