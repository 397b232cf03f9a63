/** Bodies and names held against the published definitions, with ARM's errors for what does not fit. */
import type { Finding } from "./definitions/index.ts";
import { checkBody, checkName, definitionOf } from "./definitions/index.ts";
import { ArmError, badRequest } from "./errors.ts";
import { isRecord } from "./http.ts";
import type { TypeBehaviour } from "./types/behaviour.ts";
import { versionsOf } from "./versions.ts";

const versionPattern = /^\d{4}-\d{2}-\d{2}(-preview)?$/;

/** The request's API version, well-formed. Throws 400 as ARM does. */
export function requireApiVersion(apiVersion: string | undefined): string {
  if (apiVersion === undefined || apiVersion === "") {
    throw badRequest(
      "MissingApiVersionParameter",
      "The api-version query parameter (?api-version=) is required for all requests.",
    );
  }
  if (!versionPattern.test(apiVersion)) {
    throw badRequest(
      "InvalidApiVersionParameter",
      `The api-version '${apiVersion}' is invalid. The supported versions are dates as in '2024-03-01', followed by '-preview' for some.`,
    );
  }
  return apiVersion;
}

/**
 * A PUT or PATCH must come in the version whose definition is known or in a neighbour of it, since nothing else can be
 * checked. Resource groups are the exception: their body is the same in all versions, and clients read them in old ones.
 */
export function requireKnownVersion(type: string, apiVersion: string, location: string): void {
  const known = versionsOf(type);
  if (known.length === 0 || known.includes(apiVersion)) return;
  if (type.toLowerCase() === "microsoft.resources/resourcegroups") return;
  const [namespace, ...rest] = type.split("/");
  throw badRequest(
    "NoRegisteredProviderFound",
    `No registered resource provider found for location '${location}' and API version '${apiVersion}' for type '${rest.join("/")}'. The supported api-versions are '${known.join(", ")}' (namespace ${namespace ?? ""}).`,
  );
}

/** Throws 400 when a name breaks the type's rules. */
export function requireName(behaviour: TypeBehaviour, name: string): void {
  const definition = definitionOf(behaviour.type);
  const findings = definition === undefined ? [] : checkName(definition, name);
  const breaksPattern = behaviour.namePattern !== undefined && !behaviour.namePattern.test(name);
  if (findings.length === 0 && !breaksPattern) return;
  const rule =
    findings.map((finding) => finding.message).join("; ") ||
    `it does not match ${String(behaviour.namePattern)}`;
  const code = behaviour.nameError?.code ?? "InvalidResourceName";
  const text = behaviour.nameError?.message ?? `Resource name ${name} is invalid.`;
  throw badRequest(code, `${text} (${rule})`, "name");
}

/**
 * Checks a body and returns it without the read-only properties that repeat what is stored (a client that sends back
 * what it got). Throws `InvalidRequestContent` that names every other finding by path.
 */
export function requireBody(
  type: string,
  body: unknown,
  current: Record<string, unknown> | undefined,
  isUpdate: boolean,
): Record<string, unknown> {
  if (!isRecord(body)) {
    throw badRequest(
      "InvalidRequestContent",
      "The request content was invalid and could not be deserialized: an object is wanted.",
    );
  }
  const kept = structuredClone(body);
  const definition = definitionOf(type);
  if (definition === undefined) return kept;
  const refused: Finding[] = [];
  for (const finding of checkBody(definition, body, { isUpdate })) {
    if (finding.kind !== "read-only") refused.push(finding);
    else if (isSameValue(at(body, finding.path), at(current, finding.path))) removeAt(kept, finding.path);
    else refused.push({ ...finding, message: "property is read-only and differs from the stored value" });
  }
  const first = refused[0];
  if (first === undefined) return kept;
  if (refused.length === 1 && first.kind === "required" && first.path === "location") {
    throw badRequest(
      "LocationRequired",
      "The location property is required for this definition.",
      "location",
    );
  }
  throw new ArmError(
    400,
    "InvalidRequestContent",
    `The request content was invalid: ${describe(first)}${refused.length > 1 ? ` (and ${refused.length - 1} more)` : ""}`,
    {
      target: first.path,
      details: refused.map((finding) => ({
        code: "InvalidRequestContent",
        target: finding.path,
        message: describe(finding),
      })),
    },
  );
}

const describe = (finding: Finding): string => `${finding.path || "the body"}: ${finding.message}`;

/** The steps of a finding's path: `properties.subnets[0]["a.b"]`. */
function steps(path: string): (string | number)[] {
  const found = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  return [...found].map(
    ([, quoted, index, name]) => quoted ?? (index === undefined ? (name ?? "") : Number(index)),
  );
}

function at(value: unknown, path: string): unknown {
  return steps(path).reduce<unknown>(
    (here, step) => (here as Record<string | number, unknown> | undefined | null)?.[step],
    value,
  );
}

function removeAt(value: Record<string, unknown>, path: string): void {
  const all = steps(path);
  const last = all.pop();
  const parent = all.reduce<unknown>(
    (here, step) => (here as Record<string | number, unknown> | undefined)?.[step],
    value,
  );
  if (isRecord(parent) && last !== undefined) delete parent[last];
}

/** Deep equality of JSON; the order of an object's members does not count. */
export function isSameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSameValue(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return a === b;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSameValue(a[name], b[name]));
}
