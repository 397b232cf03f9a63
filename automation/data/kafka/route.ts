/** The two directions of a move: over to the tenant's own namespace, and back to the shared one. */
import type { KafkaContext, Side } from "./cluster.ts";
import { isNamed } from "./records.ts";
import type { KafkaRecord } from "./records.ts";
import { filterOf } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

/** Where the mover keeps how far it is: on the side that it writes to. */
export interface Keeper {
  to: Side;
  /** Of consumers, which only the mover is in. */
  group: string;
}

export interface Route extends Keeper {
  way: "over" | "back";
  from: Side;
}

export function planGroup(slug: string): string {
  return `tierlift.${slug}`;
}

export function planBackGroup(slug: string): string {
  return `${planGroup(slug)}.back`;
}

/** Whether a group of the shared namespace is the mover's, also where a tenant's groups begin with the same word. */
export function isBackGroup(group: string): boolean {
  return /^tierlift\.[^.]+\.back$/.test(group);
}

export const keeperOver = (context: KafkaContext): Keeper => ({
  to: context.target(),
  group: planGroup(context.tenant.slug),
});

/** Needs no namespace of the tenant's own. */
export const keeperBack = (context: KafkaContext): Keeper => ({
  to: context.source,
  group: planBackGroup(context.tenant.slug),
});

export const routeOver = (context: KafkaContext): Route => ({
  way: "over",
  from: context.source,
  ...keeperOver(context),
});

export const routeBack = (context: KafkaContext): Route => ({
  way: "back",
  from: context.target(),
  ...keeperBack(context),
});

type Filter = (record: KafkaRecord) => boolean;

/**
 * What is moved of a topic, and what may be it on the other side. All of the tenant's own namespace is the tenant's, so
 * that every record goes back with the key that it has; but in a common topic never one whose key is another tenant's id,
 * or begins with it: there it would be that tenant's.
 */
export function filtersOf(
  context: KafkaContext,
  { way }: Route,
  topic: MovedTopic,
): { isMoved: Filter; isFound: Filter } {
  const isTenants = filterOf(context, topic);
  if (way === "over") return { isMoved: isTenants, isFound: () => true };
  const isMoved: Filter = (record) => isTenants(record) || !isNamed(record);
  return { isMoved, isFound: isMoved };
}
