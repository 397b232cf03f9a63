/** Versions that a PUT or PATCH may come in beside the one whose definition is published here. */
import { definitionOf } from "./definitions/index.ts";

/**
 * Neighbours of the definition's version in which the types that are known here have the same bodies: what the current
 * releases of Microsoft's own clients ask in. A property that only the neighbour has is refused like any unknown one.
 */
const neighbours: Record<string, readonly string[]> = {
  "Microsoft.Network": ["2025-03-01"],
  "Microsoft.Network/dnsZones": ["2018-05-01"],
  "Microsoft.Network/privateDnsZones": ["2020-06-01"],
  "Microsoft.ContainerService": ["2025-10-01"],
  "Microsoft.Storage": ["2025-06-01"],
  "Microsoft.KeyVault": ["2026-02-01"],
  "Microsoft.ManagedIdentity": ["2024-11-30"],
  "Microsoft.Cache/redisEnterprise": ["2022-01-01"],
};

const rows = Object.entries(neighbours).map(
  ([name, versions]) => [`${name.toLowerCase()}/`, versions] as const,
);

/** All versions a type is written in, the published one first; none for a type without a definition. */
export function versionsOf(type: string): string[] {
  const own = definitionOf(type)?.apiVersion;
  if (own === undefined) return [];
  const name = `${type.toLowerCase()}/`;
  const [, further = []] =
    rows.filter(([prefix]) => name.startsWith(prefix)).sort(([a], [b]) => b.length - a.length)[0] ?? [];
  return [own, ...further];
}
