/** All resource types of the local cloud, by name. */
import type { TypeBehaviour } from "./behaviour.ts";
import { cache } from "./cache.ts";
import { containerservice } from "./containerservice.ts";
import { dns } from "./dns.ts";
import { eventhub } from "./eventhub.ts";
import { identity } from "./identity.ts";
import { keyvault } from "./keyvault.ts";
import { monitor } from "./monitor.ts";
import { network } from "./network.ts";
import { postgresql } from "./postgresql.ts";
import { registry } from "./registry.ts";
import { storage } from "./storage.ts";

export const behaviours: readonly TypeBehaviour[] = [
  ...identity,
  ...network,
  ...dns,
  ...containerservice,
  ...storage,
  ...keyvault,
  ...postgresql,
  ...cache,
  ...eventhub,
  ...monitor,
  ...registry,
];

const byType = new Map(behaviours.map((behaviour) => [behaviour.type.toLowerCase(), behaviour]));

/** Namespaces without resources of their own here that clients ask about or register. */
const otherNamespaces = ["Microsoft.Compute", "Microsoft.OperationsManagement", "Microsoft.Quota"];

/** All resource provider namespaces, in Azure's own case. */
export const namespaces: readonly string[] = [
  ...new Set([...behaviours.map((behaviour) => behaviour.type.split("/")[0] ?? ""), ...otherNamespaces]),
];

/** By type, without case. */
export const behaviourOf = (type: string): TypeBehaviour | undefined => byType.get(type.toLowerCase());

/** Like `behaviourOf`, for what is stored and therefore known. */
export function requireBehaviourOf(resource: { type: string }): TypeBehaviour {
  const behaviour = behaviourOf(resource.type);
  if (behaviour === undefined) throw new Error(`no behaviour for stored type ${resource.type}`);
  return behaviour;
}

export const hasNamespace = (namespace: string): boolean =>
  namespaces.some((one) => one.toLowerCase() === namespace.toLowerCase());
