import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningArm } from "../../../../local/arm/server.ts";
import { checkInputs, definitionOfToken } from "../../../../local/arm/definitions/index.ts";
import { startArm } from "../../../../local/arm/server.ts";
import { ensureAuthority } from "../../../../local/pki/authority.ts";
import { signatureKey } from "../../../../local/providers/protocol/values.ts";
import { engineRoot } from "../../../support/parts.ts";
import { createProgram, createStack, first, resourceCount } from "./program.ts";
import type { Account } from "./program.ts";

const root = engineRoot();

interface StateResource {
  urn: string;
  type: string;
  inputs: Record<string, unknown>;
}

describe.skipIf(!root)("the plugin against the local cloud", { timeout: 180_000 }, () => {
  let arm: RunningArm;
  let account: Account;
  let folder: string;
  let stack: Stack;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "azure-native-local-"));
    const authority = await ensureAuthority(join(folder, "pki"));
    arm = await startArm({ home: folder, authority });
    const principal = arm.cloud.directory.principal("sp-tenant");
    account = {
      metadataHost: arm.url.replace("https://", ""),
      caFile: authority.certificateFile,
      clientId: principal.clientId,
      clientSecret: principal.secret.value,
      tenantId: principal.tenantId,
      subscriptionId: principal.subscriptionId,
    };
    const work = join(folder, "stack");
    await mkdir(work);
    stack = await createStack(root ?? "", work, account);
  });

  afterAll(async () => {
    await arm?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("creates, and then finds nothing to do", async () => {
    const up = await stack.up();
    expect(up.summary.resourceChanges).toEqual({ create: resourceCount });
    const again = await stack.up();
    expect(again.summary.resourceChanges).toEqual({ same: resourceCount });
  });

  it("leaves inputs in the state that ARM's published types know", async () => {
    const { resources } = (await stack.exportStack()).deployment as { resources: StateResource[] };
    const ours = resources.filter(({ type }) => type.startsWith("azure-native:"));
    expect(ours).toHaveLength(resourceCount - 2);
    const isOpaque = (value: unknown) => typeof value === "object" && value !== null && signatureKey in value;
    for (const { urn, type, inputs } of ours) {
      const definition = definitionOfToken(type);
      if (!definition) throw new Error(`no definition of ${type}`);
      expect(checkInputs(definition, inputs, { isOpaque }), urn).toEqual([]);
    }
  });

  it("finds in a refresh what it left", async () => {
    const refreshed = await stack.refresh();
    expect(refreshed.summary.resourceChanges).toEqual({ same: resourceCount });
  });

  it("takes over what is there and not in the state, as after a lost answer", async () => {
    const exported = await stack.exportStack();
    const { resources } = exported.deployment as { resources: { urn: string }[] };
    const isLost = (urn: string) => ["ip", "vnet", "nodes", "pg"].includes(urn.split("::").at(-1) ?? "");
    const kept = resources.filter(({ urn }) => !isLost(urn));
    await stack.importStack({
      ...exported,
      deployment: { ...exported.deployment, resources: kept } as object,
    });
    const up = await stack.up();
    expect(up.summary.resourceChanges).toEqual({ same: resourceCount - 4, create: 4 });
  });

  it("updates and replaces", async () => {
    stack.workspace.program = createProgram(account, {
      ...first,
      tag: "two",
      sku: "Standard",
      tier: "large",
    });
    const up = await stack.up();
    expect(up.summary.resourceChanges).toEqual({ same: resourceCount - 3, update: 2, replace: 1 });
  });

  it("destroys", async () => {
    const down = await stack.destroy();
    expect(down.summary.resourceChanges).toEqual({ delete: resourceCount });
  });
});
