import { describe, expect, it } from "vitest";
import { createDataRunner } from "../../automation/data-command.ts";
import type { DataCommandOptions } from "../../automation/data-command.ts";
import { createStoreLogins } from "../../automation/store-logins.ts";
import type { StoreLoginOptions } from "../../automation/store-logins.ts";
import type { BlobsDataInput } from "../../automation/ports.ts";

/** Reports its own arguments and what it was given on standard input. */
const ECHO = `
  const { text } = await import("node:stream/consumers");
  const document = JSON.parse(await text(process.stdin));
  console.log(JSON.stringify({ args: process.argv.slice(1), document }));`;

const INPUT: BlobsDataInput = {
  tenant: { id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01", slug: "acme" },
  blobs: {
    source: { endpoint: "https://shared.test/", container: "tenants" },
    target: {
      endpoint: "https://acme.test/",
      container: "data",
      credentials: {
        clientId: "tenant",
        clientSecretRef: "acme-ref",
        azureTenantId: "acme.test",
        directoryId: "directory-of-acme",
        subscriptionId: "s",
      },
    },
  },
};

const PROGRAM: StoreLoginOptions["program"] = {
  metadataHost: "127.0.0.1:8443",
  platform: {
    clientId: "platform",
    azureTenantId: "directory",
    subscriptionId: "p",
    useDefaultCredential: false,
  },
  platformClientSecret: "platform-secret",
};

const runnerFor = (program = PROGRAM, more: Partial<DataCommandOptions> = {}) =>
  createDataRunner({
    ...more,
    command: [process.execPath, "--input-type=module", "-e", ECHO],
    environment: {},
    signIn: createStoreLogins({ program, resolveSecret: (name) => Promise.resolve(`secret of ${name}`) }),
  });

const signal = new AbortController().signal;

describe("the data command for caches", () => {
  it("is given both servers on standard input, and nothing in its arguments", async () => {
    const server = (password: string) => ({ host: "cache.test", port: 10000, password });
    const { tenant } = INPUT;
    const input = {
      tenant,
      cache: { source: server("shared-key"), target: server("own-key"), maxSeconds: 30 },
    };
    const { args, document } = await runnerFor().runCache("copy", input, signal);
    expect(args).toEqual(["cache", "copy"]);
    expect(document).toEqual(input);
  });
});

describe("the data command for stores that know identities", () => {
  it("is given both logins on standard input, the tenant's by its reference, and nothing in its arguments", async () => {
    const { args, document } = await runnerFor().runBlobs("verify", INPUT, signal);
    expect(args).toEqual(["blobs", "verify"]);
    expect(document).toEqual({
      tenant: INPUT.tenant,
      blobs: {
        metadataHost: "127.0.0.1:8443",
        source: {
          endpoint: "https://shared.test/",
          container: "tenants",
          login: { azureTenantId: "directory", clientId: "platform", clientSecret: "platform-secret" },
        },
        target: {
          endpoint: "https://acme.test/",
          container: "data",
          login: {
            azureTenantId: "directory-of-acme",
            clientId: "tenant",
            clientSecret: "secret of acme-ref",
          },
        },
      },
    });
  });

  it("is given no login of the platform's where the machine's own identity is used", async () => {
    const ambient = { ...PROGRAM, platformClientSecret: undefined };
    const { document } = await runnerFor(ambient).runBlobs("inspect", INPUT, signal);
    expect(document).toMatchObject({ blobs: { source: { container: "tenants" } } });
    expect(document).not.toHaveProperty("blobs.source.login");
  });

  it("is given both logins for Kafka as well, with the topics", async () => {
    const { credentials } = INPUT.blobs.target!;
    const kafka = {
      source: { bootstrapServers: "shared.test:9093", namespace: "shared" },
      target: { bootstrapServers: "acme.test:9093", namespace: "acme", credentials },
      topics: { events: 3 },
      retentionHours: 720,
    };
    const told = await runnerFor(PROGRAM, { consumerOffsets: "same-record" }).runKafka(
      "catch-up",
      { tenant: INPUT.tenant, kafka },
      signal,
    );
    expect(told["document"]).toMatchObject({ kafka: { offsets: "same-record", retentionHours: 720 } });
    const { args, document } = await runnerFor().runKafka("verify", { tenant: INPUT.tenant, kafka }, signal);
    expect(args).toEqual(["kafka", "verify"]);
    expect(document).toMatchObject({
      kafka: {
        metadataHost: "127.0.0.1:8443",
        source: { namespace: "shared", login: { clientId: "platform" } },
        target: { namespace: "acme", login: { clientId: "tenant", clientSecret: "secret of acme-ref" } },
        topics: { events: 3 },
      },
    });
  });

  it("is given the same in a cutover, beside the servers", async () => {
    const server = { host: "h", port: 1, user: "u", password: "p" };
    const { args, document } = await runnerFor().runData(
      "cutover",
      { ...INPUT, source: server, target: server, databases: ["query"] },
      signal,
    );
    expect(args).toEqual(["postgres", "cutover"]);
    expect(document).toMatchObject({
      source: server,
      blobs: { target: { login: { clientSecret: "secret of acme-ref" } } },
    });
  });
});
