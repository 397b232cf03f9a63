import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engineRoot } from "../../../support/parts.ts";
import type { FakeArm } from "./fake-arm.ts";
import { startFakeArm, SUBSCRIPTION } from "./fake-arm.ts";
import type { Account, Variant } from "./program.ts";
import { createProgram, createStack, first, hidden, resourceCount } from "./program.ts";

const root = engineRoot();
const tenantId = "33333333-3333-4333-8333-333333333333";

describe.skipIf(!root)("the plugin under the engine", { timeout: 180_000 }, () => {
  let arm: FakeArm;
  let account: Account;
  let folder: string;
  let stack: Stack;
  const events: EngineEvent[] = [];
  const onEvent = (event: EngineEvent) => void events.push(event);

  beforeAll(async () => {
    arm = await startFakeArm();
    folder = await mkdtemp(join(tmpdir(), "azure-native-"));
    arm.longRunning = ({ path }) => {
      if (path.includes("/virtualNetworks/")) return "operation";
      if (path.includes("/flexibleServers/")) return "location";
      return path.endsWith("/vaults/vault") ? "body" : undefined;
    };
    arm.answer = ({ method, path }) => {
      if (path.startsWith("/vaults/vault/secrets/")) return { status: 200, body: {} };
      if (path.startsWith("/vaults/vault/deletedsecrets/")) return { status: 404 };
      const stored = path.endsWith("/vaults/vault") && arm.resources.get(path.toLowerCase());
      if (method !== "GET" || !stored) return undefined;
      const properties = { ...(stored["properties"] as object), vaultUri: `${arm.origin}/vaults/vault/` };
      return { status: 200, body: { ...stored, properties } };
    };
    account = {
      metadataHost: arm.host,
      caFile: arm.caFile,
      clientId: "client",
      clientSecret: "client-secret-value",
      tenantId,
      subscriptionId: SUBSCRIPTION,
    };
    stack = await createStack(root ?? "", folder, account);
  });

  afterAll(async () => {
    await arm?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const change = (variant: Partial<Variant>) => {
    stack.workspace.program = createProgram(account, { ...first, ...variant });
  };
  const ops = () =>
    Object.fromEntries(
      events
        .flatMap((e) => (e.resourcePreEvent ? [e.resourcePreEvent.metadata] : []))
        .filter((m) => m.op !== "same" && m.type.startsWith("azure-native"))
        .map((m) => [`${m.urn.split("::").at(-1)} ${m.op}`, Object.keys(m.detailedDiff ?? {}).sort()]),
    );

  it("previews without a write", async () => {
    const { changeSummary } = await stack.preview({ onEvent });
    expect(changeSummary).toEqual({ create: resourceCount });
    expect(arm.requests.filter((r) => r.method !== "GET")).toEqual([]);
  });

  it("creates", async () => {
    const up = await stack.up({ onEvent });
    expect(up.summary.resourceChanges).toEqual({ create: resourceCount });
    expect(up.outputs["groupId"]?.value).toBe(`/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-acme`);
    expect(up.outputs["account"]?.value).toMatch(/^account[0-9a-f]{8}$/);
    const isNetwork = (path: string) => path.endsWith("/virtualNetworks/vnet");
    expect(arm.requests.filter((r) => r.method === "PUT" && isNetwork(r.path))).toMatchObject([
      {
        query: { "api-version": "2024-05-01" },
        body: {
          location: "westeurope",
          properties: { addressSpace: { addressPrefixes: ["10.0.0.0/16"] }, subnets: [] },
        },
      },
    ]);
  });

  it("keeps secrets out of the state file, also those that ARM answers", async () => {
    const state = await readFile(join(folder, ".pulumi", "stacks", "tierlift", "acme.json"), "utf8");
    expect(state).toContain("administratorLogin");
    expect(state).not.toContain(hidden);
    expect(state).not.toContain("client-secret-value");
  });

  it("finds nothing to do the second time, and asks nothing", async () => {
    arm.requests.length = 0;
    const up = await stack.up({ onEvent });
    expect(up.summary.resourceChanges).toEqual({ same: resourceCount });
    expect(arm.requests).toEqual([]);
  });

  it("updates in place, with the paths that change", async () => {
    change({ tag: "two", prefix: "10.0.2.0/24", tier: "large" });
    events.length = 0;
    const up = await stack.up({ onEvent });
    expect(ops()).toEqual({
      "rg update": ["tags.tag"],
      "nodes update": ["addressPrefix"],
      "data update": ["metadata.tier"],
    });
    expect(up.summary.resourceChanges).toEqual({ same: resourceCount - 3, update: 3 });
  });

  it("keeps what an update began and failed, and does it again the next time", async () => {
    change({ tag: "two", prefix: "10.0.3.0/24", tier: "large" });
    arm.outcome = { status: "Failed", error: { code: "PrefixInUse", message: "nodes hold addresses" } };
    await expect(stack.up({ onEvent })).rejects.toThrow(/PrefixInUse: nodes hold addresses/);
    arm.outcome = { status: "Succeeded" };
    events.length = 0;
    await stack.up({ onEvent });
    expect(Object.keys(ops())).toEqual(["nodes update"]);
    events.length = 0;
    await stack.up({ onEvent });
    expect(ops()).toEqual({});
  });

  it("replaces where azure-native does, deleting first what has a name of its own", async () => {
    change({ tag: "two", prefix: "10.0.3.0/24", tier: "large", sku: "Standard" });
    events.length = 0;
    await stack.up({ onEvent });
    expect(Object.keys(ops())).toEqual(["ip delete-replaced", "ip replace", "ip create-replacement"]);
  });

  it("sees in a refresh what changed in Azure, and what is gone", async () => {
    const path = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg-acme`;
    const group = arm.resources.get(path);
    arm.resources.set(path, { ...group, tags: { tag: "by hand" } });
    arm.resources.delete(`${path}/providers/microsoft.network/dnszones/acme.example.com/a/*`);
    const refreshed = await stack.refresh({ onEvent });
    expect(refreshed.summary.resourceChanges).toEqual({ same: resourceCount - 2, update: 1, delete: 1 });
    events.length = 0;
    await stack.up({ onEvent });
    expect(ops()).toEqual({ "rg update": ["tags.tag"], "any create": [] });
  });

  it("destroys everything", async () => {
    await stack.destroy({ onEvent });
    expect([...arm.resources.keys()].filter((id) => !id.includes("/secrets/"))).toEqual([]);
    expect(arm.calls()).toContain("DELETE /vaults/vault/secrets/password");
  });
});
