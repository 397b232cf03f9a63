/** What a request is about, in the words of the plans and of the request log. */
import type { Cloud } from "../cloud.ts";
import { idKey, parseArmPath, typeOf } from "../path.ts";
import type { ArmPath, CollectionPath, ResourcePath } from "../path.ts";
import type { Call, PlannedEvent } from "../plan.ts";
import { behaviourOf } from "../types/index.ts";

export type RequestEvent = Extract<PlannedEvent, { at: "request" }>;

const groupType = "Microsoft.Resources/resourceGroups";
const pollPlaces = ["operationstatuses", "operationresults", "operations"];
const methods: readonly string[] = ["GET", "PUT", "PATCH", "DELETE"] satisfies Call[];

/** Of any request, also of one that will be refused. */
export function describeRequest(cloud: Cloud, method: string, path: string): RequestEvent {
  const at = "request";
  if (path.toLowerCase().startsWith("/vaults/")) return { at, call: "vault", path };
  if (/\/oauth2\/(v2\.0\/)?token$/.test(path)) return { at, call: "token", path };
  const parsed = parseArmPath(path);
  const read = method === "GET" || method === "HEAD";
  if (parsed?.kind === "resource") return { at, path, ...ofResource(cloud, method, path, parsed) };
  if (parsed?.kind === "collection") return { at, path, ...ofCollection(path, parsed, read) };
  if (parsed?.kind === "resource-group")
    return { at, path, ...onResource(cloud, method, groupType, idKey(path)) };
  return { at, path, call: read ? "list" : "action", ...listedType(parsed) };
}

type Part = Omit<RequestEvent, "at" | "path">;

/** A path of a resource, or a poll, which has the form of one. */
function ofResource(cloud: Cloud, method: string, path: string, parsed: ResourcePath): Part {
  const [place, last = ""] = parsed.types.map((type) => type.toLowerCase());
  if (place === "locations" && pollPlaces.includes(last)) {
    const record = cloud.operations.get(parsed.names.at(-1) ?? "");
    return { call: "poll", ...(record && { type: record.type, resourceId: record.resourceId }) };
  }
  return onResource(cloud, method, canonical(typeOf(parsed)), path);
}

function onResource(cloud: Cloud, method: string, type: string, id: string): Part {
  const call = method === "HEAD" ? "GET" : (methods.find((one) => one === method) as Call | undefined);
  const stored = cloud.store.get(id);
  const isWrite = call === "PUT" || call === "PATCH";
  return {
    call: call ?? "action",
    type,
    resourceId: stored?.id ?? id,
    ...(isWrite ? { change: stored === undefined ? "create" : "update" } : {}),
  };
}

/** The list of a type, or an action: then it is about the resource it is done on. */
function ofCollection(path: string, parsed: CollectionPath, isRead: boolean): Part {
  if (isRead) {
    const type = canonical(typeOf({ ...parsed, types: [...parsed.types, parsed.last] }));
    return { call: "list", type, resourceId: path };
  }
  const isOnType = parsed.types.length === 0;
  return {
    call: "action",
    ...(isOnType ? {} : { type: canonical(typeOf(parsed)) }),
    resourceId: path.split("/").slice(0, -1).join("/"),
  };
}

const listedType = (parsed: ArmPath | undefined): { type?: string } =>
  parsed?.kind === "resource-groups" ? { type: groupType } : {};

const canonical = (type: string): string => behaviourOf(type)?.type ?? type;
