import type { Definition } from "../../arm/definitions/index.ts";
import { toOutputs } from "../../arm/definitions/index.ts";
import { isRecord } from "../../arm/definitions/text.ts";

/**
 * Whether a resource found at create is one's own, made by a request whose answer was lost. The official plugin
 * refuses it always; this one takes it, and writes it again, when
 * 1. everything that the request would write is there with the same value (what ARM never returns cannot be
 *    compared; what Azure filled in does not count),
 * 2. the tags are the same in both directions: a tag more is another's, and
 * 3. `systemData.createdBy`, where ARM tells, is this principal.
 * Anything else stays "cannot create already existing resource".
 */
export function isOwn(
  definition: Definition,
  wanted: Record<string, unknown>,
  found: Record<string, unknown>,
  principal: { clientId: string; objectId: string },
): boolean {
  const createdBy = isRecord(found["systemData"]) ? found["systemData"]["createdBy"] : undefined;
  const mine = [principal.clientId, principal.objectId].filter((id) => id !== "");
  if (typeof createdBy === "string" && createdBy !== "" && !mine.includes(createdBy)) return false;
  const type = typeof found["type"] === "string" ? { type: found["type"] } : {};
  const written = toOutputs(definition, { ...wanted, ...type });
  const present = toOutputs(definition, found);
  if (!isSame(written["tags"] ?? {}, present["tags"] ?? {})) return false;
  return Object.entries(written).every(([key, value]) => contains(value, present[key], key));
}

const isId = (text: string): boolean => text.startsWith("/subscriptions/");

function contains(wanted: unknown, found: unknown, key: string): boolean {
  // The SDK sends "" for "whichever Azure picks" (a server's zone).
  if (wanted === undefined || wanted === null || wanted === "") return true;
  if (Array.isArray(wanted)) {
    // A list that is not returned is as good as an empty one.
    if (!Array.isArray(found)) return wanted.length === 0 && (found === undefined || found === null);
    return wanted.length === found.length && wanted.every((item, i) => contains(item, found[i], key));
  }
  if (isRecord(wanted)) {
    if (!isRecord(found)) return Object.keys(wanted).length === 0;
    return Object.entries(wanted).every(([name, value]) => contains(value, found[name], name));
  }
  if (typeof wanted !== "string" || typeof found !== "string") return wanted === found;
  if (key === "location") return normal(wanted) === normal(found);
  return isId(wanted) ? wanted.toLowerCase() === found.toLowerCase() : wanted === found;
}

const normal = (location: string): string => location.toLowerCase().replaceAll(" ", "");

const isSame = (a: unknown, b: unknown): boolean => contains(a, b, "") && contains(b, a, "");
