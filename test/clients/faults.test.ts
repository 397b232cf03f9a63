import { afterEach, beforeEach, expect, it } from "vitest";
import type { ArmClient, ArmUnderTest } from "../local/arm/support/arm.ts";
import { openArm } from "../local/arm/support/arm.ts";
import type { Clients } from "./support/clients.ts";
import { createClients } from "./support/clients.ts";
import { openGroup, refusalOf } from "./support/group.ts";

const server = "Microsoft.DBforPostgreSQL/flexibleServers";
let arm: ArmUnderTest;
let clients: Clients;
let operator: ArmClient;
let group: string;

beforeEach(async () => {
  arm = await openArm();
  clients = createClients(arm);
  operator = await arm.as("operator");
  group = await openGroup(clients);
});
afterEach(() => arm.close());

const plan = async (rule: unknown): Promise<void> => {
  expect((await operator.put("/local/plans/one", "", rule)).status).toBe(201);
};
const uses = async (): Promise<unknown> => (await operator.get("/local/plans/one", "")).body["uses"];
const parameters = {
  location: "westeurope",
  sku: { name: "Standard_D2ds_v5", tier: "GeneralPurpose" as const },
  administratorLogin: "boss",
  administratorLoginPassword: "Secret-0123456789",
  version: "16",
};
const make = () => clients.postgres.servers.beginCreateOrUpdateAndWait(group, "pg-faults", parameters);

it("a poller shows an operation that runs, and its end", async () => {
  await plan({ match: { type: server }, effect: { kind: "latency", at: "operation", ms: 400 } });
  const poller = await clients.postgres.servers.beginCreateOrUpdate(group, "pg-faults", parameters);
  expect(poller.isDone()).toBe(false);
  expect((await poller.pollUntilDone()).state).toBe("Ready");
  expect(poller.isDone()).toBe(true);
});

it("a poller throws what the operation failed with", async () => {
  const effect = { kind: "fail", at: "operation", code: "ServerBusy", message: "try later" };
  await plan({ match: { type: server }, effect, times: 1 });
  await expect(make()).rejects.toThrow(/ServerBusy|try later/);
  expect((await make()).state).toBe("Ready");
});

it("a client waits for what Retry-After says and goes on, by itself", async () => {
  await plan({
    match: { type: "Microsoft.Resources/resourceGroups", calls: ["PUT"] },
    effect: { kind: "throttle", retryAfterSeconds: 1 },
    times: 2,
  });
  const started = performance.now();
  const patient = createClients(arm, "sp-tenant", { maxRetries: 3 });
  await patient.resources.resourceGroups.createOrUpdate("again", { location: "westeurope" });
  expect(performance.now() - started).toBeGreaterThan(1_900);
  expect(await uses()).toBe(2);
});

it("a client without retries gets the timeout, and finds what was made", async () => {
  await plan({ match: { type: server, calls: ["PUT"] }, effect: { kind: "timeout" }, times: 1 });
  expect(await refusalOf(make())).toEqual({ status: 504, code: "GatewayTimeout" });
  expect((await clients.postgres.servers.get(group, "pg-faults")).state).toBe("Ready");
});

it("a client with retries does not notice a lost answer", async () => {
  await plan({ match: { type: server, calls: ["PUT"] }, effect: { kind: "lose-answer" }, times: 1 });
  const patient = createClients(arm, "sp-tenant", { maxRetries: 3 });
  const made = await patient.postgres.servers.beginCreateOrUpdateAndWait(group, "pg-faults", parameters);
  expect(made.state).toBe("Ready");
  expect(await uses()).toBe(1);
});
