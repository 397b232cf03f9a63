/** A small picture of a tenant's footprint: enough resources to see which are made, changed and destroyed. */
import type { StackSpec, TenantSpec } from "../../stacks/spec.ts";

export interface FakeResource {
  urn: string;
  type: string;
  name: string;
  parent: string | undefined;
  components: string[];
  properties: Record<string, unknown>;
}

export const SLICE_ADDRESS = "10.0.0.1";
export const DEDICATED_ADDRESS = "10.9.9.9";

/** What a stack with this spec holds. */
export function declaredBy(spec: StackSpec): FakeResource[] {
  if (spec.kind === "platform") {
    return [resource("platform", "tierlift:platform:Platform", "platform", [], { zone: spec.zoneName })];
  }
  return [...zone(spec), ...slice(spec), ...dedicated(spec), ...next(spec)];
}

function zone({ tenant: { slug }, route, recordTtlSeconds: ttl }: TenantSpec): FakeResource[] {
  const aRecords = [{ ipv4Address: route === "slice" ? SLICE_ADDRESS : DEDICATED_ADDRESS }];
  return below(slug, "tierlift:dns:TenantZone", {
    [slug]: { type: "azure-native:dns:Zone" },
    ...Object.fromEntries(
      ["@", "*", "api", "bi"].map((name) => [name, { type: "azure-native:dns:RecordSet", ttl, aRecords }]),
    ),
  });
}

function slice({ tenant: { slug }, slice: part }: TenantSpec): FakeResource[] {
  if (part === null) return [];
  return below(slug, "tierlift:slice:Slice", {
    claim: { type: "command:local:Command" },
    namespace: { type: "kubernetes:core/v1:Namespace" },
    quota: { type: "kubernetes:core/v1:ResourceQuota", tier: part.tier },
  });
}

function dedicated({ tenant: { slug }, dedicated: part }: TenantSpec): FakeResource[] {
  if (part === null) return [];
  const layers = part.layers.map((layer): [string, Child] => [
    layer,
    { type: `azure-native:${layer}:Thing`, tier: part.tier, migration: part.migrationId },
  ]);
  const provider = { type: "pulumi:providers:azure-native", clientId: part.clientId };
  return below(slug, "tierlift:dedicated:Dedicated", { tenant: provider, ...Object.fromEntries(layers) });
}

function next({ tenant: { slug }, next: stands, recordTtlSeconds: ttl }: TenantSpec): FakeResource[] {
  if (!stands) return [];
  return below(slug, "tierlift:dns:NextRecords", { next: { type: "azure-native:dns:RecordSet", ttl } });
}

type Child = { type: string } & Record<string, unknown>;

function below(stack: string, component: string, children: Record<string, Child>): FakeResource[] {
  const parent = resource(stack, component, stack, [], {});
  return [
    parent,
    ...Object.entries(children).map(([name, { type, ...properties }]) =>
      resource(stack, type, name, [parent], properties),
    ),
  ];
}

function resource(
  stack: string,
  type: string,
  name: string,
  parents: FakeResource[],
  properties: Record<string, unknown>,
): FakeResource {
  const components = parents.map((parent) => parent.type);
  const urn = `urn:pulumi:${stack}::tierlift::${[...components, type].join("$")}::${name}`;
  return { urn, type, name, parent: parents.at(-1)?.urn, components, properties };
}
