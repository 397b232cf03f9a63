import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { parseBlobsRequest, parseCacheRequest, parseKafkaRequest } from "../../../automation/data/request.ts";
import { SERVICE_NAMES } from "../../../stacks/services/catalogue.ts";
import { Slice } from "../../../stacks/slice/slice.ts";
import {
  administrator,
  record,
  revealSecret,
  sharedBlobs,
  sharedKafka,
  stores,
  tenant,
  valueOf,
} from "../kubernetes/recorder.ts";
import type { Recording } from "../kubernetes/recorder.ts";

let slice: Recording<Slice>;

const declare = ({ hasCache = true } = {}) =>
  record(
    () =>
      new Slice("acme", {
        tenant,
        tier: "STARTER",
        kubeconfig: pulumi.secret("{}"),
        clusterId: "cluster-id",
        stores,
        administrator,
        databases: pulumi.output(["query", "bi"]),
        blobs: sharedBlobs,
        ...(hasCache && { cache: { source: stores.cache } }),
        kafka: sharedKafka,
        images: { registry: "registry.test/matih", tag: "20261122-abc" },
        dataCommand: ["node", "--import", "tsx", "/opt/tier lift/main.ts"],
        ingress: {
          domains: [pulumi.output("acme.matih.ai")],
          tls: { certificatePem: pulumi.secret("cert"), privateKeyPem: pulumi.secret("key") },
        },
      }),
  );

beforeAll(async () => {
  slice = await declare();
});

const commandOf = (name: string) => slice.of("command:local:Command").find((one) => one.name === name)!;
const command = () => commandOf("acme-postgres-role");

describe("a slice", () => {
  it("is one namespace named by the slug, with thirteen deployments in it", () => {
    expect(slice.of("kubernetes:core/v1:Namespace").map(({ inputs }) => inputs.metadata)).toMatchObject([
      { name: "tenant-acme" },
    ]);
    const deployments = slice.of("kubernetes:apps/v1:Deployment");
    expect(deployments.map(({ name }) => name).sort()).toEqual(
      SERVICE_NAMES.map((name) => `acme-${name}`).sort(),
    );
  });

  it("makes the tenant's database role and purges the tenant's rows when it goes", () => {
    expect(command().inputs).toMatchObject({
      create: "node --import tsx '/opt/tier lift/main.ts' postgres provision",
      update: "node --import tsx '/opt/tier lift/main.ts' postgres provision",
      delete: "node --import tsx '/opt/tier lift/main.ts' postgres purge",
    });
  });

  it("has no trigger that could replace the role and so purge the rows", () => {
    expect(command().inputs).not.toHaveProperty("triggers");
  });

  it("hands the credentials over on standard input, as a secret", () => {
    expect(JSON.parse(revealSecret(command().inputs.stdin) as string)).toEqual({
      tenant: { id: tenant.id, slug: "acme" },
      source: { host: "127.0.0.1", port: 6543, user: "administrator", password: "admin-secret" },
      databases: ["query", "bi"],
      role: { name: "tenant_acme", password: "p@ss/word", connectionLimit: 110 },
    });
    const outside = { ...command().inputs, stdin: undefined };
    expect(JSON.stringify(outside)).not.toMatch(/admin-secret|p@ss/);
  });

  it("purges the tenant's blobs when it goes, and runs nothing before", () => {
    const { inputs } = commandOf("acme-blobs");
    expect(inputs).toMatchObject({ delete: "node --import tsx '/opt/tier lift/main.ts' blobs purge" });
    for (const absent of ["create", "update", "triggers"]) expect(inputs).not.toHaveProperty(absent);
    expect(parseBlobsRequest(revealSecret(inputs.stdin) as string)).toEqual({
      tenant: { id: tenant.id, slug: "acme" },
      blobs: {
        metadataHost: "127.0.0.1:8443",
        source: {
          endpoint: "https://127.0.0.1:7001/stshared/",
          container: "tenants",
          login: { azureTenantId: "directory", clientId: "platform", clientSecret: "platform-secret" },
        },
      },
    });
    expect(JSON.stringify({ ...inputs, stdin: undefined })).not.toContain("platform-secret");
  });

  it("purges the tenant's keys when it goes, and runs nothing before", async () => {
    const { inputs } = commandOf("acme-cache");
    expect(inputs).toMatchObject({ delete: "node --import tsx '/opt/tier lift/main.ts' cache purge" });
    for (const absent of ["create", "update", "triggers"]) expect(inputs).not.toHaveProperty(absent);
    const { cache } = parseCacheRequest(revealSecret(inputs.stdin) as string);
    expect(cache).toMatchObject({ source: { host: "cache.test", port: 10000, password: "c@che" } });
    expect(cache).not.toHaveProperty("target");
    expect(JSON.stringify({ ...inputs, stdin: undefined })).not.toContain("c@che");
    const without = await declare({ hasCache: false });
    expect(without.of("command:local:Command").map(({ name }) => name)).not.toContain("acme-cache");
  });

  it("purges the tenant's topics and groups when it goes, and runs nothing before", () => {
    const { inputs } = commandOf("acme-kafka");
    expect(inputs).toMatchObject({ delete: "node --import tsx '/opt/tier lift/main.ts' kafka purge" });
    for (const absent of ["create", "update", "triggers"]) expect(inputs).not.toHaveProperty(absent);
    expect(parseKafkaRequest(revealSecret(inputs.stdin) as string)).toMatchObject({
      tenant: { id: tenant.id, slug: "acme" },
      kafka: { source: { namespace: "shared-events", login: { clientId: "platform" } } },
    });
    expect(JSON.stringify({ ...inputs, stdin: undefined })).not.toContain("platform-secret");
  });

  it("removes the namespace, and every writer with it, before what is in the stores", () => {
    const namespace = slice.of("kubernetes:core/v1:Namespace")[0]!;
    const component = slice.of("tierlift:kubernetes:TenantNamespace")[0]!;
    expect(namespace.parent).toMatch(/tierlift:kubernetes:TenantNamespace::acme$/);
    expect(component.dependsOn).toEqual([
      expect.stringMatching(/command:local:Command::acme-postgres-role$/),
      expect.stringMatching(/command:local:Command::acme-blobs$/),
      expect.stringMatching(/command:local:Command::acme-cache$/),
      expect.stringMatching(/command:local:Command::acme-kafka$/),
    ]);
  });

  it("tells where the services answer", async () => {
    expect(await valueOf(slice.value.endpoints["bi-service"]!)).toBe(
      "http://bi-service.tenant-acme.svc.cluster.local:8084",
    );
  });
});
