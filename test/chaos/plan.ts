/** What is killed in a run, and when. */
import type { Phase } from "../../automation/model.ts";
import { createRandom } from "./random.ts";

/** The phases that move a tenant's data: its copy, the cutover, and what leaves the shared stores. */
export const DATA_PHASES = ["MIGRATING_DATA", "CUTTING_OVER", "DECOMMISSIONING_SHARED"] as const;
export type DataPhase = (typeof DATA_PHASES)[number] & Phase;

/** Not the blob servers: Azurite forgets what it has confirmed in the 5 s before it is killed (docs/local-cloud.md). */
export const VICTIMS = [
  "mover",
  "service",
  "shared server",
  "own server",
  "shared broker",
  "own broker",
] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Kill {
  phase: DataPhase;
  victim: Victim;
  /** From the phase's beginning. */
  afterMs: number;
}

/** About as long as the phase takes when nothing happens, so that kills fall on all of it. */
const SPREAD_MS: Record<DataPhase, number> = {
  MIGRATING_DATA: 9_000,
  CUTTING_OVER: 9_000,
  DECOMMISSIONING_SHARED: 12_000,
};

/** One to three kills, at most one a phase; the same seed gives the same ones. */
export function planKills(seed: number): Kill[] {
  const random = createRandom(seed);
  const number = random.between(1, DATA_PHASES.length);
  const phases = [...DATA_PHASES];
  while (phases.length > number) phases.splice(random.between(0, phases.length - 1), 1);
  return phases.map((phase) => ({
    phase,
    victim: random.pick(VICTIMS),
    afterMs: random.between(0, SPREAD_MS[phase]),
  }));
}

export const describeKill = ({ phase, victim, afterMs }: Kill): string =>
  `${victim} ${(afterMs / 1000).toFixed(1)} s into ${phase}`;
