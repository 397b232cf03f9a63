import * as pulumi from "@pulumi/pulumi";
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import {
  parseBlobsRequest,
  parseCacheRequest,
  parseKafkaRequest,
  parseRequest,
} from "../../../automation/data/request.ts";
import { planBlobsStdin, planDataCommand, quoteForShell } from "../../../stacks/data/command.ts";
import { DataMigration, parseReport } from "../../../stacks/data/data-migration.ts";
import {
  administrator,
  record,
  revealSecret,
  sharedBlobs,
  sharedKafka,
  stores,
  tenant,
} from "../kubernetes/recorder.ts";

const OWN_LOGIN = {
  azureTenantId: "other",
  clientId: "tenant",
  clientSecret: pulumi.secret("tenant-secret"),
};

const declare = ({ hasCache = true, hasKafka = true } = {}) =>
  record(
    () =>
      new DataMigration("acme", {
        tenant,
        migrationId: "migration-1",
        source: { ...administrator, databases: pulumi.output(["query"]) } as typeof administrator,
        target: stores.postgres,
        databases: pulumi.output(["query", "bi"]),
        blobs: {
          ...sharedBlobs,
          target: {
            endpoint: pulumi.output("https://127.0.0.1:7002/stacme/"),
            container: "data",
            login: OWN_LOGIN,
          },
        },
        ...(hasCache && { cache: { source: sharedCache, target: stores.cache } }),
        ...(hasKafka && {
          kafka: { ...sharedKafka, target: { ...stores.kafka, login: OWN_LOGIN } },
        }),
        dataCommand: ["node", "main.ts"],
      }),
  );

const sharedCache = {
  host: pulumi.output("127.0.0.1"),
  port: pulumi.output(7003),
  password: pulumi.secret("shared-key"),
};

const commandOf = async (store: string) =>
  (await declare()).of("command:local:Command").find(({ name }) => name === `acme-${store}`)!;

describe.each(["postgres", "blobs", "cache", "kafka"])("the migration of a tenant's data: %s", (store) => {
  it("copies on create and update and does nothing on delete, when servers may be gone", async () => {
    const { inputs } = await commandOf(store);
    expect(inputs).toMatchObject({
      create: `node main.ts ${store} copy`,
      update: `node main.ts ${store} copy`,
      triggers: ["migration-1"],
    });
    expect(inputs).not.toHaveProperty("delete");
  });

  it("never copies again because a password or a path has changed", async () => {
    expect((await commandOf(store)).ignoreChanges).toEqual(["create", "update", "stdin", "environment"]);
  });
});

describe("the migration of a tenant's data", () => {
  it("hands over documents that the data command understands, as secrets", async () => {
    const rows = parseRequest(revealSecret((await commandOf("postgres")).inputs.stdin) as string);
    expect(rows).toEqual({
      tenant: { id: tenant.id, slug: "acme" },
      source: { host: "127.0.0.1", port: 6543, user: "administrator", password: "admin-secret" },
      target: { host: "127.0.0.1", port: 6543, user: "tenant_acme", password: "p@ss/word" },
      databases: ["query", "bi"],
      migrationId: "migration-1",
    });
    const { blobs } = parseBlobsRequest(revealSecret((await commandOf("blobs")).inputs.stdin) as string);
    expect(blobs).toMatchObject({
      source: { container: "tenants", login: { clientId: "platform", clientSecret: "platform-secret" } },
      target: {
        endpoint: "https://127.0.0.1:7002/stacme/",
        container: "data",
        login: { azureTenantId: "other", clientId: "tenant", clientSecret: "tenant-secret" },
      },
    });
    const { kafka } = parseKafkaRequest(revealSecret((await commandOf("kafka")).inputs.stdin) as string);
    expect(kafka).toMatchObject({
      metadataHost: "127.0.0.1:8443",
      source: {
        bootstrapServers: "127.0.0.1:7003",
        namespace: "shared-events",
        login: { clientId: "platform", clientSecret: "platform-secret" },
      },
      target: {
        bootstrapServers: "events.test:9093",
        namespace: "acme-events",
        login: { azureTenantId: "other", clientId: "tenant", clientSecret: "tenant-secret" },
      },
      topics: { "tenant.lifecycle.events": 6, "billing.usage.events": 3 },
      retentionHours: 720,
      offsets: "earliest",
    });
  });

  it("moves no records where no broker stands behind the namespaces", async () => {
    const recording = await declare({ hasKafka: false });
    const names = recording.of("command:local:Command").map(({ name }) => name);
    expect(names.sort()).toEqual(["acme-blobs", "acme-cache", "acme-postgres"]);
  });

  it("hands over both caches as secrets, and runs nothing for them where there are none", async () => {
    const { inputs } = await commandOf("cache");
    const { tenant: whose, cache } = parseCacheRequest(revealSecret(inputs.stdin) as string);
    expect(whose).toEqual({ id: tenant.id, slug: "acme" });
    expect(cache).toMatchObject({
      source: { host: "127.0.0.1", port: 7003, password: "shared-key" },
      target: { password: "c@che" },
    });
    expect(JSON.stringify({ ...inputs, stdin: undefined })).not.toMatch(/shared-key|c@che/);
    const without = await declare({ hasCache: false });
    const names = without.of("command:local:Command").map(({ name }) => name);
    expect(names.sort()).toEqual(["acme-blobs", "acme-kafka", "acme-postgres"]);
  });

  it("names no login where the machine's own identity is to be used", () => {
    const source = { ...sharedBlobs.source, login: { azureTenantId: "directory" } };
    const stdin = planBlobsStdin({ tenant: { id: tenant.id, slug: "acme" }, blobs: { source } });
    return new Promise<void>((resolve) =>
      stdin.apply((text) => {
        expect(parseBlobsRequest(text).blobs.source).not.toHaveProperty("login");
        resolve();
      }),
    );
  });

  it("has no report before it ran", () => {
    expect(parseReport(undefined)).toBeNull();
    expect(parseReport(`{"rows":1}\n`)).toEqual({ rows: 1 });
  });
});

it.each(["plain", "with space", "it's", `"double"`, "$HOME", "`id`", "a\\b", "a;b", "*", ""])(
  "a shell takes %j as one word",
  (word) => {
    expect(execFileSync("/bin/sh", ["-c", `printf %s ${quoteForShell(word)}`], { encoding: "utf8" })).toBe(
      word,
    );
  },
);

it("a command is one shell line", () => {
  expect(planDataCommand(["node", "/opt/tier lift/main.ts"], "postgres", "copy")).toBe(
    "node '/opt/tier lift/main.ts' postgres copy",
  );
});
