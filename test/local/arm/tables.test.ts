import { describe, expect, it } from "vitest";
import { parseArmPath } from "../../../local/arm/path.ts";
import {
  contributor,
  isActionMatch,
  isAllowed,
  reader,
  userAccessAdministrator,
} from "../../../local/arm/identity/roles.ts";
import { formatAddress, isWithin, overlaps, parseRange } from "../../../local/arm/types/addresses.ts";
import { isSameValue } from "../../../local/arm/validation.ts";

describe("parseArmPath", () => {
  it.each([
    ["/subscriptions", { kind: "subscriptions" }],
    ["/subscriptions/s", { kind: "subscription", subscriptionId: "s" }],
    ["/subscriptions/s/RESOURCEGROUPS", { kind: "resource-groups", subscriptionId: "s" }],
    ["/subscriptions/s/resourcegroups/g", { kind: "resource-group", group: "g" }],
    ["/subscriptions/s/resourceGroups/g/resources", { kind: "resources", group: "g" }],
    ["/subscriptions/s/providers/N", { kind: "provider", namespace: "N" }],
    ["/subscriptions/s/providers/N/register", { kind: "provider", namespace: "N", action: "register" }],
    [
      "/subscriptions/s/resourceGroups/g/providers/N/t/a",
      { kind: "resource", types: ["t"], names: ["a"], group: "g" },
    ],
    [
      "/subscriptions/s/resourceGroups/g/providers/N/t/a/u",
      { kind: "collection", types: ["t"], names: ["a"], last: "u" },
    ],
    [
      "/subscriptions/s/resourceGroups/g/providers/N/t/a/u/%40",
      { kind: "resource", types: ["t", "u"], names: ["a", "@"] },
    ],
    [
      "/subscriptions/s/resourceGroups/g/providers/N/t/a/providers/M/x/b",
      {
        kind: "resource",
        namespace: "M",
        scope: "/subscriptions/s/resourceGroups/g/providers/N/t/a",
        group: "g",
      },
    ],
  ])("takes %s apart", (path, expected) => {
    expect(parseArmPath(path)).toMatchObject(expected);
  });

  it.each(["/", "/vaults/a", "/subscriptions/s/other/x", "/subscriptions/%"])("leaves %s alone", (path) => {
    expect(parseArmPath(path)).toBeUndefined();
  });
});

describe("rights", () => {
  it.each([
    ["*/read", "Microsoft.Network/virtualNetworks/read", true],
    ["*/read", "Microsoft.Network/virtualNetworks/write", false],
    ["Microsoft.Authorization/*/Write", "microsoft.authorization/roleassignments/write", true],
    ["Microsoft.Network/dnsZones/*", "Microsoft.Network/privateDnsZones/read", false],
  ])("%s fits %s: %s", (pattern, action, expected) => {
    expect(isActionMatch(pattern, action)).toBe(expected);
  });

  it("add up over roles, exceptions counting for their own role only", () => {
    const write = "Microsoft.Authorization/roleAssignments/write";
    expect(isAllowed([contributor], write)).toBe(false);
    expect(isAllowed([contributor, userAccessAdministrator], write)).toBe(true);
    expect(isAllowed([reader], "Microsoft.KeyVault/vaults/write")).toBe(false);
  });
});

describe("address ranges", () => {
  const range = (text: string) => parseRange(text) ?? { first: -1, last: -1 };
  it("contain and overlap as their bits say", () => {
    expect(isWithin(range("10.1.0.0/24"), range("10.0.0.0/8"))).toBe(true);
    expect(isWithin(range("11.0.0.0/24"), range("10.0.0.0/8"))).toBe(false);
    expect(overlaps(range("10.0.0.0/25"), range("10.0.0.128/25"))).toBe(false);
    expect(overlaps(range("10.0.0.0/24"), range("10.0.0.128/25"))).toBe(true);
    expect(formatAddress(range("198.18.0.0/15").last)).toBe("198.19.255.255");
  });
  it.each(["10.0.0.0", "10.0.0.300/24", "10.0.0.0/33", "fd00::/8"])("are not read from %s", (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
});

it("compares values whatever the order of members", () => {
  expect(isSameValue({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 })).toBe(true);
  expect(isSameValue([1, 2], [2, 1])).toBe(false);
});
