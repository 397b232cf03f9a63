import * as pulumi from "@pulumi/pulumi";
import { getStackResource, runInPulumiStack } from "@pulumi/pulumi/runtime/stack.js";
import { expect, test } from "vitest";
import { released, releasePrograms } from "../../../automation/engine/released.ts";

test("a program's resources are given up when its operation is over, and not before", async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as Record<string, unknown> }),
    call: ({ inputs }) => inputs as Record<string, unknown>,
  });
  let root: { __childResources?: Set<unknown> } = {};
  const program = released(() => {
    root = getStackResource() as typeof root;
    new pulumi.ComponentResource("tierlift:test:Thing", "thing");
    return Promise.resolve({});
  });
  await runInPulumiStack(program);
  expect(root.__childResources?.size).toBe(1);
  releasePrograms();
  expect(root.__childResources?.size).toBe(0);
});
