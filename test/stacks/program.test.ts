import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as pulumi from "@pulumi/pulumi";
import { LAYERS } from "../../stacks/spec.ts";
import type { Layer, StackSpec } from "../../stacks/spec.ts";
import { checkDeclared, hasDefinitions } from "./arm-definitions.ts";
import { azureResources, declareStack, dedicatedPart, SECRETS, tenantSpec } from "./program-mocks.ts";
import type { Declared } from "./program-mocks.ts";

/** The one type that the check knows nothing of. */
const WITHOUT_DEFINITION = "azure-native:applicationinsights:Component";

const PLATFORM: StackSpec = { kind: "platform", zoneName: "matih.example", region: "westeurope" };
const layers = (count: number) => LAYERS.slice(0, count);

const upTo = (layer: Layer) => `a slice and a footprint up to ${layer}`;

const SPECS: Record<string, StackSpec> = {
  platform: PLATFORM,
  "a slice only": tenantSpec(),
  ...Object.fromEntries(
    LAYERS.map((layer, index) => [
      upTo(layer),
      tenantSpec({
        dedicated: dedicatedPart({ layers: layers(index + 1) }),
        next: index >= LAYERS.indexOf("ingress"),
      }),
    ]),
  ),
  "ENTERPRISE cut over": tenantSpec({
    slice: null,
    dedicated: dedicatedPart({ tier: "ENTERPRISE" }),
    route: "dedicated",
  }),
};

const named = (declared: Declared[], type: string) => declared.filter((resource) => resource.type === type);
/** Names repeat: the slice and the dedicated footprint have the same services under different parents. */
const holds = (declared: Declared[], resource: Declared) =>
  declared.some((other) => isDeepStrictEqual(other, resource));
const countOf = (declared: Declared[], type: string) => named(declared, type).length;

// A whole stack is some three hundred registrations: seconds each on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

afterEach(() => pulumi.runtime.disconnect());

describe.skipIf(!hasDefinitions)("Azure resources, against Microsoft's definitions (../shared/arm)", () => {
  it.each(Object.keys(SPECS))("of %s are what resource management takes", async (name) => {
    const { declared } = await declareStack({ spec: SPECS[name]! });
    const { checked, violations, withoutDefinition } = await checkDeclared(declared);
    expect(violations).toEqual([]);
    const unchecked = declared.filter(({ type }) => type === WITHOUT_DEFINITION).length;
    expect(withoutDefinition).toEqual(
      unchecked === 0 ? [] : [{ type: WITHOUT_DEFINITION, count: unchecked }],
    );
    expect(checked).toBe(azureResources(declared).length - unchecked);
  });

  it.each(["PROFESSIONAL", "ENTERPRISE"] as const)(
    "of %s hold no value that the definitions do not list",
    async (tier) => {
      const spec = tenantSpec({ dedicated: dedicatedPart({ tier }), next: true });
      const { declared } = await declareStack({ spec });
      const { violations } = await checkDeclared(declared, { strictEnums: true });
      expect(violations).toEqual([]);
    },
  );
});

describe("a tenant's program", () => {
  it("declares nothing dedicated for a shared tenant", async () => {
    const { declared, result } = await declareStack({ spec: tenantSpec() });
    const types = new Set(azureResources(declared).map(({ type }) => type));
    expect(types).toEqual(new Set(["azure-native:dns:Zone", "azure-native:dns:RecordSet"]));
    expect(result["dedicated"]).toBeNull();
    expect(result["slice"]).toMatchObject({ namespace: "tenant-acme", ingressAddress: "20.0.0.1" });
  });

  it("adds resources layer by layer and changes none that were there", async () => {
    let before: Declared[] = [];
    for (const layer of LAYERS) {
      const { declared } = await declareStack({ spec: SPECS[upTo(layer)]! });
      expect(before.filter((resource) => !holds(declared, resource))).toEqual([]);
      expect(declared.length).toBeGreaterThan(before.length);
      before = declared;
    }
    expect(azureResources(before).length).toBeGreaterThanOrEqual(30);
  });

  it("moves the four records at the switch and nothing else", async () => {
    const tried = tenantSpec({ dedicated: dedicatedPart(), next: true });
    const before = await declareStack({ spec: tried });
    const after = await declareStack({ spec: { ...tried, route: "dedicated" } });
    const changed = after.declared.filter((resource) => !holds(before.declared, resource));
    expect(after.declared.length).toBe(before.declared.length);
    expect(changed.map(({ name }) => name)).toEqual(["acme-apex", "acme-wildcard", "acme-api", "acme-bi"]);
    expect(changed.map(({ inputs }) => inputs["aRecords"])).toEqual(
      Array(4).fill([{ ipv4Address: "20.0.0.2" }]),
    );
  });

  it("grows from PROFESSIONAL to ENTERPRISE without removing or renaming a resource", async () => {
    const spec = tenantSpec({ slice: null, dedicated: dedicatedPart(), route: "dedicated" });
    const small = await declareStack({ spec });
    const large = await declareStack({ spec: { ...spec, dedicated: dedicatedPart({ tier: "ENTERPRISE" }) } });
    const keys = (declared: Declared[]) => declared.map(({ type, name }) => `${type} ${name}`);
    const missing = keys(small.declared).filter((key) => !keys(large.declared).includes(key));
    expect(missing).toEqual([]);
    const added = keys(azureResources(large.declared)).filter((key) => !keys(small.declared).includes(key));
    expect(added).toEqual(["azure-native:containerservice:AgentPool acme-ud8dsv5"]);
  });

  it("keeps create-only properties the same in both dedicated tiers", async () => {
    const spec = tenantSpec({ slice: null, dedicated: dedicatedPart(), route: "dedicated" });
    const small = await declareStack({ spec });
    const large = await declareStack({ spec: { ...spec, dedicated: dedicatedPart({ tier: "ENTERPRISE" }) } });
    const pick = ({ declared }: { declared: Declared[] }) => {
      const inputs = (type: string) => named(declared, `azure-native:${type}`)[0]!.inputs;
      const server = inputs("dbforpostgresql:Server");
      return {
        server: [server["administratorLogin"], server["network"], server["version"]],
        geo: (server["backup"] as Record<string, unknown>)["geoRedundantBackup"],
        cache: inputs("redisenterprise:RedisEnterprise")["highAvailability"],
        cluster: [
          inputs("containerservice:ManagedCluster")["networkProfile"],
          inputs("containerservice:ManagedCluster")["agentPoolProfiles"],
        ],
        events: (inputs("eventhub:Namespace")["sku"] as Record<string, unknown>)["name"],
        grafana: inputs("dashboard:Grafana")["properties"],
      };
    };
    expect(pick(large)).toEqual(pick(small));
  });

  it("names `next` only while asked for", async () => {
    const dedicated = dedicatedPart();
    const names = ({ declared }: { declared: Declared[] }) =>
      named(declared, "azure-native:dns:RecordSet").map(({ inputs }) => inputs["relativeRecordSetName"]);
    expect(names(await declareStack({ spec: tenantSpec({ dedicated, next: true }) }))).toEqual(
      expect.arrayContaining(["next", "*.next"]),
    );
    expect(names(await declareStack({ spec: tenantSpec({ dedicated }) }))).not.toContain("next");
  });

  it.each([
    [
      "a route to an ingress that is not there",
      tenantSpec({ dedicated: dedicatedPart({ layers: layers(3) }), route: "dedicated" }),
    ],
    ["`next` without an ingress", tenantSpec({ next: true })],
  ])("refuses %s", async (_, spec) => {
    await expect(declareStack({ spec })).rejects.toThrow(/layer `ingress`/);
  });

  it("refuses a dedicated footprint without the service principal's secret", async () => {
    const secrets = { passwordSeed: SECRETS.passwordSeed };
    await expect(declareStack({ spec: tenantSpec({ dedicated: dedicatedPart() }), secrets })).rejects.toThrow(
      /clientSecret/,
    );
  });

  it("reaches the tenant's subscription as the tenant's principal and the zone as the platform's", async () => {
    const { declared } = await declareStack({
      spec: tenantSpec({ dedicated: dedicatedPart({ layers: layers(1) }) }),
    });
    const providers = named(declared, "pulumi:providers:azure-native");
    const shown = (value: unknown) =>
      typeof value === "object" ? (value as { value: unknown }).value : value;
    expect(
      providers.map(({ name, inputs }) => [name, shown(inputs["clientId"]), inputs["metadataHost"]]),
    ).toEqual(
      expect.arrayContaining([
        ["acme", dedicatedPart().clientId, "127.0.0.1:8443"],
        ["platform", "aaaaaaaa-0000-0000-0000-000000000001", "127.0.0.1:8443"],
      ]),
    );
  });

  it("tags every resource that can be with tenant and migration", async () => {
    const { declared } = await declareStack({
      spec: tenantSpec({ slice: null, dedicated: dedicatedPart(), route: "dedicated" }),
    });
    const tagged = azureResources(declared).filter(
      ({ inputs }) => "tags" in inputs && !("zoneType" in inputs),
    );
    expect(tagged.length).toBeGreaterThan(30);
    for (const { inputs } of tagged) {
      expect(inputs["tags"]).toMatchObject({
        tenant: "acme",
        migration: dedicatedPart().migrationId,
      });
    }
  });
});

describe("the platform's program", () => {
  it("hands the tenants what they read", async () => {
    const { declared, result } = await declareStack({ spec: PLATFORM });
    expect(Object.keys(result).sort()).toEqual(
      [
        "kubeconfig",
        "clusterId",
        "ingressAddress",
        "postgres",
        "zoneName",
        "zoneNameServers",
        "zoneResourceGroup",
        "keyVaultUri",
        "storage",
        "cache",
        "kafka",
      ].sort(),
    );
    expect(result).toMatchObject({ ingressAddress: "20.0.0.2", zoneResourceGroup: "rg-tierlift-platform" });
    expect(countOf(declared, "azure-native:dbforpostgresql:Database")).toBe(11);
  });
});
