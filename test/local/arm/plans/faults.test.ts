import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Backend } from "../../../../local/arm/backend.ts";
import type { RequestLine } from "../../../../local/arm/request-log.ts";
import type { Answer, ArmClient, ArmUnderTest } from "../support/arm.ts";
import { openArm, send } from "../support/arm.ts";

const cluster = "Microsoft.ContainerService/managedClusters";
const version = "2025-09-01";
const body = {
  location: "westeurope",
  identity: { type: "SystemAssigned" },
  properties: {
    dnsPrefix: "k",
    agentPoolProfiles: [{ name: "sys", mode: "System", count: 1, vmSize: "Standard_D2ds_v5" }],
  },
};

let arm: ArmUnderTest;
let client: ArmClient;
let operator: ArmClient;
let group: string;
let path: string;
/** Servers that were made behind clusters. */
let made: string[];

const backend: Backend = {
  type: cluster.toLowerCase(),
  ensure: (resource) => {
    made.push(resource.name);
    return Promise.resolve({ fqdn: "127.0.0.1:6443" });
  },
  remove: () => Promise.resolve(),
};

beforeEach(async () => {
  made = [];
  arm = await openArm({ backends: [backend] });
  client = await arm.as("sp-tenant");
  operator = await arm.as("operator");
  group = `${client.subscription}/resourceGroups/rg`;
  path = `${group}/providers/${cluster}/aks`;
  await client.make(group, "2024-03-01", { location: "westeurope" });
});
afterEach(() => arm.close());

const plan = async (name: string, rule: unknown): Promise<void> => {
  const answer = await operator.put(`/local/plans/${name}`, "", rule);
  expect(answer.body).not.toHaveProperty("error");
};
const planned = async (name: string) => (await operator.get(`/local/plans/${name}`, "")).body;
const put = (): Promise<Answer> => client.put(path, version, body);
const lines = async (): Promise<RequestLine[]> =>
  (await readFile(join(arm.home, "logs", "arm-requests.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as RequestLine);
/** A record set: done when it is answered. */
const makeZone = async (): Promise<string> => {
  const zone = `${group}/providers/Microsoft.Network/dnsZones/acme.test`;
  await client.make(zone, "2023-07-01-preview", { location: "global" });
  return `${zone}/A/api`;
};
const record = { properties: { TTL: 60, ARecords: [{ ipv4Address: "198.18.0.4" }] } };

describe("the admin endpoint", () => {
  const rule = { match: { type: cluster, calls: ["PUT"] }, effect: { kind: "fail" }, times: 1 };

  it("keeps, answers and removes plans", async () => {
    expect((await operator.put("/local/plans/one", "", rule)).status).toBe(201);
    expect((await operator.put("/local/plans/one", "", rule)).status).toBe(200);
    expect(await planned("one")).toMatchObject({ name: "one", uses: 0, isSpent: false, times: 1 });
    expect((await operator.put("/local/plans", "", { plans: { two: rule } })).body["value"]).toMatchObject([
      { name: "two" },
    ]);
    expect((await operator.get("/local/plans/one", "")).status).toBe(404);
    expect((await operator.delete("/local/plans/two", "")).status).toBe(200);
    expect((await operator.delete("/local/plans/two", "")).status).toBe(204);
    expect((await operator.get("/local/plans", "")).body).toEqual({ value: [] });
  });

  it.each(["GET", "PUT", "DELETE"])("refuses %s by a principal, and without a token", async (method) => {
    expect((await client.send(method, "/local/plans")).status).toBe(403);
    expect((await send(arm, method, "/local/plans")).status).toBe(401);
  });

  it("says by its path what is wrong", async () => {
    const answer = await operator.put("/local/plans/one", "", { effect: { kind: "fail", status: 200 } });
    expect(answer.status).toBe(400);
    expect(answer.body["error"]).toMatchObject({ code: "InvalidPlan", target: "effect.status" });
  });

  it("tells Azure's durations", async () => {
    const { body: told } = await operator.get("/local/durations", "");
    expect(told["durations"]).toMatchObject({ [cluster]: { create: [240, 540] } });
  });
});

describe("a plan", () => {
  it("fails a request once, before anything is made", async () => {
    await plan("once", {
      match: { type: cluster, calls: ["PUT"] },
      effect: { kind: "fail", status: 409, code: "OperationNotAllowed", message: "not today" },
      times: 1,
    });
    const refused = await put();
    expect(refused.status).toBe(409);
    expect(refused.body["error"]).toEqual({ code: "OperationNotAllowed", message: "not today" });
    expect((await client.get(path, version)).status).toBe(404);
    expect((await client.settle(await put())).body).toMatchObject({ status: "Succeeded" });
    expect(await planned("once")).toMatchObject({ uses: 1, isSpent: true });
  });

  it("fails an operation N times, then lets it be", async () => {
    await plan("twice", {
      match: { type: cluster },
      effect: { kind: "fail", at: "operation", code: "ServerBusy", message: "try later" },
      times: 2,
    });
    for (const status of ["Failed", "Failed", "Succeeded"]) {
      expect((await client.settle(await put())).body).toMatchObject({ status });
    }
    expect(made).toEqual(["aks"]);
  });

  it("fails always", async () => {
    await plan("always", { match: { type: cluster }, effect: { kind: "fail", at: "operation" } });
    for (let i = 0; i < 3; i++) {
      expect((await client.settle(await put())).body).toMatchObject({
        status: "Failed",
        error: { code: "InternalServerError" },
      });
    }
    expect(await planned("always")).toMatchObject({ uses: 3, isSpent: false });
    expect(made).toEqual([]);
  });

  it("fails the operation of a type that has none at once, and nothing is stored", async () => {
    const path = await makeZone();
    const effect = { kind: "fail", at: "operation", status: 400, code: "BadRequest" };
    await plan("record", { match: { type: "Microsoft.Network/dnsZones/A" }, effect, times: 1 });
    expect((await client.put(path, "2023-07-01-preview", record)).status).toBe(400);
    expect((await client.get(path, "2023-07-01-preview")).status).toBe(404);
    expect((await client.put(path, "2023-07-01-preview", record)).status).toBe(201);
  });

  it("answers a timeout after the operation has ended", async () => {
    await plan("late", { match: { type: cluster, calls: ["PUT"] }, effect: { kind: "timeout" }, times: 1 });
    const answer = await put();
    expect(answer.status).toBe(504);
    expect(answer.body["error"]).toMatchObject({ code: "GatewayTimeout" });
    expect(made).toEqual(["aks"]);
    expect((await client.get(path, version)).body["properties"]).toMatchObject({
      provisioningState: "Succeeded",
    });
  });

  it("answers a timeout while the operation goes on, when told so", async () => {
    await plan("slow", {
      match: { type: cluster },
      effect: { kind: "latency", at: "operation", ms: 60_000 },
    });
    await plan("late", {
      match: { type: cluster, calls: ["PUT"] },
      effect: { kind: "timeout", when: "accepted" },
      times: 1,
    });
    expect((await put()).status).toBe(504);
    expect((await client.get(path, version)).body["properties"]).toMatchObject({
      provisioningState: "Creating",
    });
    expect((await put()).status).toBe(409);
  });

  it("does not answer a timeout to what was refused", async () => {
    await plan("late", { match: { calls: ["PUT"] }, effect: { kind: "timeout" }, times: 1 });
    expect((await client.put(path, version, { ...body, wrong: true })).status).toBe(400);
    expect(await planned("late")).toMatchObject({ uses: 0 });
  });

  it("loses the answer to a change that was made, and to a deletion", async () => {
    const path = await makeZone();
    const match = { type: "Microsoft.Network/dnsZones/A" };
    await plan("lost", { match, effect: { kind: "lose-answer" }, times: 1 });
    await expect(client.put(path, "2023-07-01-preview", record)).rejects.toThrow(/hang up|ECONNRESET/);
    expect((await client.get(path, "2023-07-01-preview")).status).toBe(200);
    await plan("lost", { match: { ...match, calls: ["DELETE"] }, effect: { kind: "lose-answer" }, times: 1 });
    await expect(client.delete(path, "2023-07-01-preview")).rejects.toThrow(/hang up|ECONNRESET/);
    expect((await client.get(path, "2023-07-01-preview")).status).toBe(404);
  });

  it("throttles with Retry-After", async () => {
    await plan("throttle", {
      match: { calls: ["GET"] },
      effect: { kind: "throttle", retryAfterSeconds: 3 },
      times: 1,
    });
    const answer = await client.get(group);
    expect(answer.status).toBe(429);
    expect(answer.headers["retry-after"]).toBe("3");
    expect(answer.body["error"]).toMatchObject({ code: "TooManyRequests" });
    expect((await client.get(group)).status).toBe(200);
  });

  it("knows a poll by the resource that its operation works on", async () => {
    await plan("poll", {
      match: { type: cluster, calls: ["poll"] },
      effect: { kind: "fail" },
      skip: 1,
      times: 1,
    });
    const url = ((await put()).headers["azure-asyncoperation"] ?? "").replace(arm.running.url, "");
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await client.send("GET", url)).status);
    expect(statuses).toEqual([200, 500, 200]);
  });

  it("knows an action by the resource that it is done on", async () => {
    const account = `${group}/providers/Microsoft.Storage/storageAccounts/stplanned`;
    const sku = { name: "Standard_LRS" };
    await client.make(account, "2024-01-01", { location: "westeurope", kind: "StorageV2", sku });
    await plan("keys", {
      match: { id: "*/STPLANNED", calls: ["action"] },
      effect: { kind: "fail", status: 503 },
    });
    expect((await client.post(`${account}/listKeys`, "2024-01-01")).status).toBe(503);
    expect((await client.get(account, "2024-01-01")).status).toBe(200);
  });

  it("slows a request down", async () => {
    await plan("slow", { match: { calls: ["GET"] }, effect: { kind: "latency", ms: 120 } });
    const started = performance.now();
    await client.get(group);
    expect(performance.now() - started).toBeGreaterThan(115);
  });

  it.each([
    ["an operation", () => client.make(path, version, body), 390],
    ["a change that is done when answered", async () => makeZone(), 2],
  ])("gives %s Azure's time, times a factor", async (_what, change, azureSeconds) => {
    await plan("azure", { effect: { kind: "azure-latency", factor: 0.001 } });
    const started = performance.now();
    await change();
    expect(performance.now() - started).toBeGreaterThan(azureSeconds);
  });

  it("fails logins and the vaults' data only where it names them", async () => {
    await plan("all", { effect: { kind: "fail", status: 503 } });
    expect((await client.get(group)).status).toBe(503);
    await expect(arm.as("sp-reader")).resolves.toBeDefined();
    await plan("vault", { match: { calls: ["vault"] }, effect: { kind: "throttle" } });
    const vault = new URL(arm.running.platformVaultUrl).pathname;
    expect((await operator.send("GET", `${vault}/secrets?api-version=7.4`)).status).toBe(429);
  });
});

describe("a restart", () => {
  it("keeps plans and their uses", async () => {
    await plan("once", { match: { calls: ["GET"] }, effect: { kind: "fail" }, times: 2 });
    expect((await client.get(group)).status).toBe(500);
    await arm.restart();
    expect(await planned("once")).toMatchObject({ uses: 1 });
    expect((await client.get(group)).status).toBe(500);
    expect((await client.get(group)).status).toBe(200);
  });

  it("keeps what was planned for an operation, without a second use", async () => {
    await plan("slow", { match: { type: cluster }, effect: { kind: "latency", at: "operation", ms: 1_500 } });
    await plan("once", { match: { type: cluster }, effect: { kind: "fail", at: "operation" }, times: 1 });
    const answer = await put();
    // The first poll is answered after the operation was begun.
    await client.send("GET", (answer.headers["azure-asyncoperation"] ?? "").replace(arm.running.url, ""));
    await arm.restart();
    expect((await client.settle(answer)).body).toMatchObject({ status: "Failed" });
    expect(await planned("once")).toMatchObject({ uses: 1 });
    expect(await planned("slow")).toMatchObject({ uses: 1 });
  });
});

describe("the request log", () => {
  it("says who made, changed and deleted what, in which operation, under which correlation", async () => {
    const correlationId = "11111111-2222-4333-8444-555555555555";
    const headers = { "x-ms-correlation-request-id": correlationId };
    await client.settle(await client.put(path, version, body, headers));
    await client.settle(await put());
    await client.settle(await client.delete(path, version));
    const own = (await lines()).filter(
      (line) => line.resourceId === path.replace("/resourceGroups/", "/resourcegroups/"),
    );
    const { clientId } = arm.running.cloud.directory.principal("sp-tenant");
    expect(own.filter((line) => line.change !== undefined)).toMatchObject([
      { method: "PUT", change: "create", status: 201, correlationId, principal: clientId, type: cluster },
      { method: "PUT", change: "update", status: 200, apiVersion: version },
      { method: "DELETE", change: "delete", status: 202 },
    ]);
    const [created] = own;
    expect(created?.operationId).toBeDefined();
    expect(own.some((line) => line.call === "poll" && line.path.endsWith(created?.operationId ?? "-"))).toBe(
      true,
    );
  });

  it("tells of a change whose answer was a timeout or got lost, and of none that was refused", async () => {
    const match = { type: cluster, calls: ["PUT"] };
    await plan("late", { match, effect: { kind: "timeout" }, times: 1 });
    await plan("lost", { match, effect: { kind: "lose-answer" }, times: 1 });
    await plan("fail", { match, effect: { kind: "fail" }, times: 1 });
    await put();
    await put().catch(() => undefined);
    await put();
    const puts = (await lines()).filter((line) => line.method === "PUT" && line.type === cluster);
    expect(puts.map(({ status, change, isLost }) => [status, change, isLost])).toEqual([
      [504, "create", undefined],
      [200, "update", true],
      [500, undefined, undefined],
    ]);
  });
});
