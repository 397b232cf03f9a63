/** What an engine made whose answer it never got, for each resource that the stacks declare. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { ArmUnderTest } from "../local/arm/support/arm.ts";
import { openArm } from "../local/arm/support/arm.ts";
import { dedicatedPart, tenantSpec } from "../stacks/program-mocks.ts";
import { accountOf, makeStack } from "./support/stack.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

let arm: ArmUnderTest;
beforeAll(async () => (arm = await openArm()));
afterAll(() => arm?.close());

it("is taken over when it is asked for again", async () => {
  const spec = { kind: "platform", zoneName: "matih.example", region: "westeurope" } as const;
  const platform = await makeStack(arm, spec, { loseAnswers: true });
  const dedicated = dedicatedPart(accountOf(arm, "sp-tenant"));
  const tenant = await makeStack(arm, tenantSpec({ dedicated, next: true }), {
    platform: platform.outputs,
    loseAnswers: true,
  });
  const made = [...platform.made, ...tenant.made];
  expect(made.length).toBeGreaterThan(150);
  expect(new Set(made.map(({ id }) => id.toLowerCase())).size).toBe(made.length);
});
