/** The shortest time that a cloud's own durations allow for each phase of an upgrade. Pure. */

/** Of an exported stack; `type` is a Pulumi token. */
export interface GraphResource {
  urn: string;
  type: string;
  parent?: string;
  /** URN and id, joined by `::`. */
  provider?: string;
  dependencies?: readonly string[];
  propertyDependencies?: Readonly<Record<string, readonly string[] | null>>;
  /** When the engine had created it, and when it last changed it. */
  created?: string;
  modified?: string;
}

export interface PhaseWindow {
  phase: string;
  startedAt: string;
  finishedAt?: string | undefined;
}

export type Change = "create" | "update";

/** Milliseconds that the cloud takes for a change; 0 for what is none of its resources. */
export type DurationOf = (type: string, change: Change) => number;

export interface PhasePath {
  milliseconds: number;
  /** What costs time on the longest path, in the order in which it has to happen. */
  steps: { urn: string; milliseconds: number }[];
}

/**
 * For each phase the longest path through what it created or updated. An edge is whatever the engine waits for: a
 * parent, a provider, a dependency. Resources of other phases cost nothing, but what leads through them counts.
 */
export function planCriticalPaths(
  resources: readonly GraphResource[],
  phases: readonly PhaseWindow[],
  durationOf: DurationOf,
): Record<string, PhasePath> {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  return Object.fromEntries(
    phases.map((window) => {
      const costOf = (resource: GraphResource) => {
        const change = changeIn(resource, window);
        return change === undefined ? 0 : durationOf(resource.type, change);
      };
      return [window.phase, longestPath(byUrn, costOf)];
    }),
  );
}

/** The resources that have to be there before this one is asked for. */
export function prerequisitesOf(resource: GraphResource): string[] {
  const { parent, provider, dependencies = [], propertyDependencies = {} } = resource;
  const ofProperties = Object.values(propertyDependencies).flatMap((urns) => urns ?? []);
  const before = new Set([...dependencies, ...ofProperties]);
  if (parent) before.add(parent);
  if (provider) before.add(provider.slice(0, provider.lastIndexOf("::")));
  return [...before];
}

function changeIn({ created, modified }: GraphResource, window: PhaseWindow): Change | undefined {
  if (isIn(created, window)) return "create";
  return modified !== created && isIn(modified, window) ? "update" : undefined;
}

function isIn(time: string | undefined, { startedAt, finishedAt }: PhaseWindow): boolean {
  if (time === undefined || finishedAt === undefined) return false;
  const at = Date.parse(time);
  return at >= Date.parse(startedAt) && at <= Date.parse(finishedAt);
}

const NOTHING: PhasePath = { milliseconds: 0, steps: [] };

function longestPath(
  byUrn: ReadonlyMap<string, GraphResource>,
  costOf: (resource: GraphResource) => number,
): PhasePath {
  const known = new Map<string, PhasePath>();
  const longest = (paths: PhasePath[]) =>
    paths.reduce((best, path) => (path.milliseconds > best.milliseconds ? path : best), NOTHING);
  function pathTo(urn: string): PhasePath {
    const found = known.get(urn);
    if (found !== undefined) return found;
    const resource = byUrn.get(urn);
    if (resource === undefined) return NOTHING;
    const before = longest(prerequisitesOf(resource).map(pathTo));
    const cost = costOf(resource);
    const steps = cost === 0 ? before.steps : [...before.steps, { urn, milliseconds: cost }];
    const path = { milliseconds: before.milliseconds + cost, steps };
    known.set(urn, path);
    return path;
  }
  return longest([...byUrn.keys()].map(pathTo));
}
