import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { definitionOfToken, ofRecordType, toArmBody } from "../../local/arm/definitions/index.ts";
import { behaviourOf } from "../../local/arm/types/index.ts";
import { valueAt } from "../../local/arm/http.ts";
import { diffInputs } from "../../local/providers/azure-native/diff.ts";
import { diffObjects } from "../../local/providers/kubernetes/diff.ts";
import { forceNewFields } from "../../local/providers/kubernetes/force-new.ts";
import type { PlainMap } from "../../local/providers/protocol/values.ts";
import type { DedicatedTier } from "../../stacks/spec.ts";
import { declareStack, dedicatedPart, tenantSpec } from "./program-mocks.ts";
import type { Declared } from "./program-mocks.ts";

/** A resource that stands in one tier and is asked for in the other, as the engine hands it to its plugin. */
interface Step {
  resource: string;
  type: string;
  before: PlainMap;
  after: PlainMap;
}

const stackOf = async (tier: DedicatedTier): Promise<Map<string, Declared>> => {
  const spec = tenantSpec({ slice: null, dedicated: dedicatedPart({ tier }), route: "dedicated" });
  const { declared } = await declareStack({ spec });
  return new Map(declared.map((resource) => [`${resource.type} ${resource.name}`, resource]));
};

/** What stands after the first of the tiers, and is then taken to each next one. */
async function walk(...tiers: DedicatedTier[]): Promise<{ steps: Step[][]; last: Map<string, PlainMap> }> {
  let standing = new Map<string, PlainMap>();
  const steps: Step[][] = [];
  for (const tier of tiers) {
    const declared = await stackOf(tier);
    const next = new Map<string, PlainMap>();
    const step: Step[] = [];
    for (const [resource, { type, inputs, ignoreChanges }] of declared) {
      const before = standing.get(resource);
      const after = keepIgnored(before, structuredClone(inputs) as PlainMap, ignoreChanges);
      next.set(resource, after);
      if (before) step.push({ resource, type, before, after });
    }
    steps.push(step);
    standing = next;
  }
  return { steps: steps.slice(1), last: standing };
}

/** As the engine does with `ignoreChanges` before it asks a plugin: the old input stays. */
function keepIgnored(before: PlainMap | undefined, after: PlainMap, ignored: string[]): PlainMap {
  for (const path of before ? ignored : []) {
    const names = path.split(".");
    const last = names.pop()!;
    const holderOf = (inputs: PlainMap) =>
      (names.length === 0 ? inputs : valueAt(inputs, names.join("."))) as PlainMap | undefined;
    const [old, holder] = [holderOf(before!), holderOf(after)];
    if (old?.[last] !== undefined && holder) holder[last] = old[last];
  }
  return after;
}

const isAzure = ({ type }: Step): boolean => type.startsWith("azure-native:");
const isKubernetes = ({ type }: Step): boolean => type.startsWith("kubernetes:");

function azureDiff({ type, before, after }: Step) {
  const definition = definitionOfToken(type);
  if (!definition) throw new Error(`no definition of ${type}`);
  return diffInputs(definition, type, { olds: before, oldInputs: before, news: after });
}

/** `kubernetes:apps/v1:Deployment` and the resource's inputs, as the plugin compares objects. */
function kubernetesDiff({ type, before, after }: Step): [string, string][] {
  const [, groupVersion = "", kind = ""] = type.split(":");
  const [group = "", version = ""] = groupVersion.split("/");
  const known = group === "core" ? "" : group === "rbac" ? "rbac.authorization.k8s.io" : group;
  const fields = forceNewFields({ group: known, version, kind }, after, {
    configMaps: false,
    secrets: false,
  });
  return Object.entries(diffObjects(before, after, fields)).map(([path, { kind: change }]) => [path, change]);
}

/** Changed paths of Azure's resources by type, without those that tell the tier only. */
function changesOf(step: Step[]): Record<string, string[]> {
  const changes: Record<string, string[]> = {};
  for (const one of step.filter(isAzure)) {
    const paths = Object.keys(azureDiff(one).detailedDiff ?? {}).filter((path) => path !== "tags.tier");
    if (paths.length > 0) changes[one.resource.replace("azure-native:", "")] = paths.sort();
  }
  return changes;
}

/** What ARM takes at creation only, and would refuse in a PUT that changes it. */
function createOnlyChanges({ resource, type, before, after }: Step): string[] {
  const found = definitionOfToken(type);
  const definition = found && ofRecordType(found, after["recordType"]);
  const behaviour = definition && behaviourOf(definition.armType);
  if (!definition || !behaviour) throw new Error(`no behaviour for ${type}`);
  const [old, next] = [before, after].map((inputs) => toArmBody(definition, inputs).body);
  return (behaviour.createOnly ?? [])
    .filter(({ path }) => JSON.stringify(valueAt(old, path)) !== JSON.stringify(valueAt(next, path)))
    .map(({ path }) => `${resource}: ${path}`);
}

const diskOf = (stack: Map<string, PlainMap>) =>
  valueAt(stack.get("azure-native:dbforpostgresql:Server acme"), "storage.storageSizeGB");

vi.setConfig({ testTimeout: 120_000 });

afterEach(() => pulumi.runtime.disconnect());

const PATHS: [string, DedicatedTier[]][] = [
  ["growing to ENTERPRISE", ["PROFESSIONAL", "ENTERPRISE"]],
  ["growing and going back to PROFESSIONAL", ["PROFESSIONAL", "ENTERPRISE", "PROFESSIONAL"]],
  ["growing a second time", ["PROFESSIONAL", "ENTERPRISE", "PROFESSIONAL", "ENTERPRISE"]],
];

describe.each(PATHS)("%s", (_, tiers) => {
  it("replaces no resource in Azure or on the cluster", async () => {
    const { steps } = await walk(...tiers);
    const replaced = steps.flat().flatMap((one) => {
      if (isAzure(one)) return azureDiff(one).replaces?.map((path) => `${one.resource}: ${path}`) ?? [];
      if (!isKubernetes(one)) return [];
      return kubernetesDiff(one)
        .filter(([, kind]) => kind.endsWith("-replace"))
        .map(([path]) => `${one.resource}: ${path}`);
    });
    expect(replaced).toEqual([]);
    expect(steps.flat().filter(isAzure).length).toBeGreaterThan(100 * (tiers.length - 1));
    expect(steps.flat().filter(isKubernetes).length).toBeGreaterThan(80 * (tiers.length - 1));
  });

  it("changes nothing that ARM takes at creation only", async () => {
    const { steps } = await walk(...tiers);
    expect(steps.flat().filter(isAzure).flatMap(createOnlyChanges)).toEqual([]);
  });

  it("leaves the data commands as they are, so that no row is copied again", async () => {
    const { steps } = await walk(...tiers);
    const commands = steps.flat().filter(({ type }) => type === "command:local:Command");
    expect(commands.length).toBeGreaterThan(0);
    for (const { before, after } of commands) expect(after["triggers"]).toEqual(before["triggers"]);
  });
});

it("growing changes these properties of Azure's resources and no others", async () => {
  const { steps } = await walk("PROFESSIONAL", "ENTERPRISE");
  expect(changesOf(steps[0]!)).toEqual({
    "dbforpostgresql:Server acme": [
      "backup.backupRetentionDays",
      "highAvailability.mode",
      "sku.name",
      "storage.storageSizeGB",
    ],
    "dbforpostgresql:Configuration acme-max_connections": ["value"],
    "eventhub:Namespace acme": ["sku.capacity"],
    "redisenterprise:RedisEnterprise acme": ["sku.name"],
    "storage:StorageAccount acme": ["sku.name"],
  });
});

it("going back leaves the disk and the cache as large as they became", async () => {
  const { steps } = await walk("PROFESSIONAL", "ENTERPRISE", "PROFESSIONAL");
  expect(changesOf(steps[1]!)).toEqual({
    "dbforpostgresql:Server acme": ["backup.backupRetentionDays", "highAvailability.mode", "sku.name"],
    "dbforpostgresql:Configuration acme-max_connections": ["value"],
    "eventhub:Namespace acme": ["sku.capacity"],
    "storage:StorageAccount acme": ["sku.name"],
  });
  expect(steps[1]!.filter(({ type }) => type.endsWith(":AgentPool")).map(({ resource }) => resource)).toEqual(
    ["azure-native:containerservice:AgentPool acme-ud4dsv5"],
  );
});

it("the disk never shrinks, whichever way a tenant goes", async () => {
  const sizes: unknown[] = [];
  for (const tiers of [["PROFESSIONAL"], ...PATHS.map(([, path]) => path)] as DedicatedTier[][]) {
    sizes.push(diskOf((await walk(...tiers)).last));
  }
  expect(sizes).toEqual([256, 2048, 2048, 2048]);
});

it("going back takes the second pool away and nothing else", async () => {
  const [large, small] = [await stackOf("ENTERPRISE"), await stackOf("PROFESSIONAL")];
  expect([...large.keys()].filter((key) => !small.has(key))).toEqual([
    "azure-native:containerservice:AgentPool acme-ud8dsv5",
  ]);
});
