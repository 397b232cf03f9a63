import { describe, expect, it } from "vitest";
import { missingActions } from "../../../automation/azure/permissions.ts";

const OWNER = { actions: ["*"], notActions: [] };
const CONTRIBUTOR = {
  actions: ["*"],
  notActions: ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"],
};
const READER = { actions: ["*/read"], notActions: [] };
const RBAC_ADMINISTRATOR = { actions: ["Microsoft.Authorization/roleAssignments/write", "*/read"] };
const ASSIGN = "Microsoft.Authorization/roleAssignments/write";
const CLUSTER = "Microsoft.ContainerService/managedClusters/write";

describe("missingActions", () => {
  it.each([
    ["an owner lacks nothing", [OWNER], []],
    ["a contributor may not assign roles", [CONTRIBUTOR], [ASSIGN]],
    ["a reader may do neither", [READER], [CLUSTER, ASSIGN]],
    ["another entry is not cut by a contributor's exceptions", [CONTRIBUTOR, RBAC_ADMINISTRATOR], []],
    ["no entry grants nothing", [], [CLUSTER, ASSIGN]],
    [
      "case does not matter",
      [{ actions: ["microsoft.containerservice/*", "microsoft.authorization/*"] }],
      [],
    ],
    ["a dot is a dot", [{ actions: ["MicrosoftXContainerService/*", ASSIGN] }], [CLUSTER]],
  ])("%s", (_name, entries, missing) => {
    expect(missingActions(entries, [CLUSTER, ASSIGN])).toEqual(missing);
  });
});
