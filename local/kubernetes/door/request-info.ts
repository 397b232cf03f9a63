/** What a request to a Kubernetes API asks for, read from its method and URL alone. */
import type { Verb } from "../../arm/plan.ts";

export interface RequestInfo {
  verb: Verb;
  /** `deployments.apps`, `pods`, `deployments.apps/scale`. */
  resource: string;
  namespace?: string;
  name?: string;
}

const verbsOfMethods: Record<string, { one: Verb; many: Verb }> = {
  GET: { one: "get", many: "list" },
  HEAD: { one: "get", many: "list" },
  POST: { one: "create", many: "create" },
  PUT: { one: "update", many: "update" },
  PATCH: { one: "patch", many: "patch" },
  DELETE: { one: "delete", many: "deletecollection" },
};

/** Subresources that a namespace itself has; every other segment after its name is a resource in it. */
const ofNamespaces = ["status", "finalize"];

/**
 * Undefined for what is about no resource (discovery, health) and for a dry run, which changes nothing. The rules are
 * those of the API server's own RequestInfoFactory (k8s.io/apiserver/pkg/endpoints/request).
 */
export function parseRequest(method: string, url: URL): RequestInfo | undefined {
  const segments = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const verbs = verbsOfMethods[method];
  if (verbs === undefined || url.searchParams.getAll("dryRun").includes("All")) return undefined;
  const [root, ...rest] = segments;
  if (root === "api") return locate(verbs, "", rest.slice(1), url);
  return root === "apis" ? locate(verbs, rest[0] ?? "", rest.slice(2), url) : undefined;
}

function locate(
  verbs: { one: Verb; many: Verb },
  group: string,
  segments: string[],
  url: URL,
): RequestInfo | undefined {
  const isWatchPath = segments[0] === "watch";
  const [first, second, third, ...rest] = isWatchPath ? segments.slice(1) : segments;
  if (first === undefined) return undefined;
  const isInNamespace = first === "namespaces" && third !== undefined && !ofNamespaces.includes(third);
  const [plural, name, subresource] = isInNamespace ? [third, ...rest] : [first, second, third];
  // Of a namespace itself the namespace is its name, as for the API server.
  const namespace = first === "namespaces" ? second : undefined;
  const isWatch = isWatchPath || ["true", "1"].includes(url.searchParams.get("watch") ?? "");
  const verb = name === undefined ? verbs.many : verbs.one;
  return {
    verb: isWatch && ["get", "list"].includes(verb) ? "watch" : verb,
    resource: `${plural}${group && `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
}
