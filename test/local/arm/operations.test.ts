import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { ArmResource, Backend } from "../../../local/arm/backend.ts";
import type { ArmClient, ArmUnderTest, ArmTestOptions } from "./support/arm.ts";
import { openArm } from "./support/arm.ts";

let arm: ArmUnderTest | undefined;
afterEach(() => arm?.close());

/** A backend that records its calls and waits where told to. */
function createFake(type: string) {
  const calls: string[] = [];
  let gate: Promise<void> = Promise.resolve();
  let failure: Error | undefined;
  const backend: Backend = {
    type,
    ensure: async (resource: ArmResource) => {
      calls.push(`ensure ${resource.name}`);
      await gate;
      if (failure !== undefined) throw failure;
      return { fullyQualifiedDomainName: "127.0.0.1:5432" };
    },
    remove: (resource: ArmResource) => {
      calls.push(`remove ${resource.name}`);
      return Promise.resolve();
    },
  };
  return {
    backend,
    calls,
    /** Holds the servers back until the returned function is called. */
    hold: () => {
      let open: () => void = () => undefined;
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },
    fail: (error: Error) => (failure = error),
  };
}

const serverType = "microsoft.dbforpostgresql/flexibleservers";
const version = "2025-08-01";
const body = {
  location: "westeurope",
  sku: { name: "Standard_D2ds_v5", tier: "GeneralPurpose" },
  properties: { administratorLogin: "boss", administratorLoginPassword: "Secret-0123456789", version: "16" },
};

async function open(
  options: ArmTestOptions = {},
): Promise<{ client: ArmClient; group: string; path: string }> {
  arm = await openArm(options);
  const client = await arm.as("sp-tenant");
  const group = `${client.subscription}/resourceGroups/rg`;
  await client.make(group, "2024-03-01", { location: "westeurope" });
  return { client, group, path: `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg-one` };
}

describe("a long-running operation", () => {
  it("runs until its server is there, and says where and how soon to ask", async () => {
    const fake = createFake(serverType);
    const { client, path } = await open({ backends: [fake.backend] });
    const release = fake.hold();
    const answer = await client.put(path, version, body);
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({ "retry-after": "1", "retry-after-ms": "100" });
    const poll = answer.headers["azure-asyncoperation"] ?? "";
    expect(poll.startsWith(`${arm?.running.url}/subscriptions/`)).toBe(true);
    const local = poll.replace(arm?.running.url ?? "", "");
    expect((await client.send("GET", local)).body).toMatchObject({ status: "InProgress" });
    const busy = await client.put(path, version, body);
    expect(busy.status).toBe(409);
    release();
    await client.settle(answer);
    const made = await client.get(path, version);
    expect(made.body["properties"]).toMatchObject({
      fullyQualifiedDomainName: "127.0.0.1:5432",
      state: "Ready",
    });
  });

  it("fails with what its server said, and can be tried again", async () => {
    const fake = createFake("microsoft.containerregistry/registries");
    const { client, group } = await open({ backends: [fake.backend] });
    fake.fail(new Error("no room left"));
    const registry = `${group}/providers/Microsoft.ContainerRegistry/registries/regone`;
    const answer = await client.put(registry, "2023-01-01-preview", {
      location: "westeurope",
      sku: { name: "Basic" },
    });
    const last = await client.settle(answer);
    expect(last.body).toMatchObject({ status: "Failed", error: { message: "no room left" } });
    const failed = await client.get(registry, "2023-01-01-preview");
    expect(failed.body["properties"]).toMatchObject({ provisioningState: "Failed" });
    expect(
      (await client.put(registry, "2023-01-01-preview", { location: "westeurope", sku: { name: "Basic" } }))
        .status,
    ).toBe(200);
  });

  it("waits and fails as the plan says", async () => {
    const { client, path } = await open({
      plan: (event) =>
        event.at === "operation" && event.type.endsWith("/flexibleServers")
          ? { delayMs: 5, error: { status: 409, code: "ServerBusy", message: "try later" } }
          : undefined,
    });
    const last = await client.settle(await client.put(path, version, body));
    expect(last.body).toMatchObject({ status: "Failed", error: { code: "ServerBusy" } });
  });

  it("lets the plan answer a request", async () => {
    const { client, group } = await open({
      plan: (event) =>
        event.at === "request" && event.call === "GET"
          ? {
              error: {
                status: 429,
                code: "TooManyRequests",
                message: "slow down",
                headers: { "retry-after": "7" },
              },
            }
          : undefined,
    });
    const answer = await client.get(group);
    expect(answer.status).toBe(429);
    expect(answer.headers["retry-after"]).toBe("7");
  });
});

describe("a restart", () => {
  it("brings back every resource and the servers behind them, on the same address", async () => {
    const fake = createFake(serverType);
    const { client, path, group } = await open({ backends: [fake.backend] });
    await client.make(path, version, body);
    await client.make(`${path}/databases/query`, version, { properties: {} });
    const before = (await client.get(path, version)).body;
    const url = arm?.running.url;
    await arm?.restart();
    expect(arm?.running.url).toBe(url);
    expect(fake.calls).toEqual(["ensure pg-one", "ensure pg-one"]);
    expect((await client.get(path, version)).body).toEqual(before);
    expect((await client.get(`${path}/databases/query`, version)).status).toBe(200);
    expect((await client.get(group)).status).toBe(200);
  });

  it("goes on with an operation that it interrupted", async () => {
    const fake = createFake(serverType);
    const { client, path } = await open({
      backends: [fake.backend],
      plan: (event) =>
        event.at === "operation" && event.type.endsWith("/flexibleServers") ? { delayMs: 2_000 } : undefined,
    });
    const answer = await client.put(path, version, body);
    expect(answer.status).toBe(202);
    expect(fake.calls).toEqual([]);
    await arm?.restart({ backends: [fake.backend] });
    expect((await client.settle(answer)).body).toMatchObject({ status: "Succeeded" });
    expect(fake.calls).toEqual(["ensure pg-one"]);
  });

  it("ends what was being deleted", async () => {
    const { client, group } = await open({
      plan: (event) => (event.at === "operation" && event.kind === "delete" ? { delayMs: 2_000 } : undefined),
    });
    const answer = await client.delete(group, "2024-03-01");
    expect(
      (
        await client.put(`${group}/providers/Microsoft.Network/networkSecurityGroups/n`, "2024-05-01", {
          location: "westeurope",
        })
      ).body,
    ).toMatchObject({ error: { code: "ResourceGroupBeingDeleted" } });
    await arm?.restart({});
    expect((await client.settle(answer)).status).toBe(200);
    expect((await client.get(group)).status).toBe(404);
  });

  it("refuses a damaged file by its name", async () => {
    await open();
    const folder = join(arm?.home ?? "", "cloud", "arm", "resources");
    const [file = ""] = readdirSync(folder);
    writeFileSync(join(folder, file), "{");
    await expect(arm?.restart()).rejects.toThrow(file);
  });
});

it("ends servers before their parents' and leaves those to a parent that goes as well", async () => {
  const servers = createFake(serverType);
  const databases = createFake(`${serverType}/databases`);
  const { client, path, group } = await open({ backends: [servers.backend, databases.backend] });
  await client.make(path, version, body);
  await client.make(`${path}/databases/query`, version, { properties: {} });
  await client.settle(await client.delete(`${path}/databases/query`, version));
  expect(databases.calls).toEqual(["ensure query", "remove query"]);
  await client.make(`${path}/databases/query`, version, { properties: {} });
  await client.settle(await client.delete(group, "2024-03-01"));
  expect(databases.calls.filter((call) => call.startsWith("remove"))).toEqual(["remove query"]);
  expect(servers.calls.at(-1)).toBe("remove pg-one");
});
