/** What a stack says it declared in a cluster, as the cluster's API names it. Pure. */
import type { StackResource } from "../engine/engine.ts";

export interface DeclaredObject {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
}

/** `kubernetes:apps/v1:Deployment` → `apps/v1`, `Deployment`; the core group is `core/v1` in the token, `v1` in the API. */
export function declaredObjects(resources: StackResource[], below: string): DeclaredObject[] {
  const chosen = new Set<string>();
  const objects: DeclaredObject[] = [];
  for (const { urn, type, id, parent } of resources) {
    if (type === below || (parent !== undefined && chosen.has(parent))) chosen.add(urn);
    const token = /^kubernetes:(.+):(\w+)$/.exec(type);
    if (!chosen.has(urn) || token === null || id === undefined) continue;
    const [, group = "", kind = ""] = token;
    const [first = "", second] = id.split("/");
    objects.push({
      apiVersion: group.replace(/^core\//, ""),
      kind,
      name: second ?? first,
      ...(second === undefined ? {} : { namespace: first }),
    });
  }
  return objects;
}
