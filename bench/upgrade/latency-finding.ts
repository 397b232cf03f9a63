/** What an upgrade on a slow cloud comes to. Pure. */
import type { PhasePath } from "../critical-path.ts";
import type { Finding } from "../report.ts";
import { rounded } from "../statistics.ts";
import type { RestUpgrade } from "./rest-upgrade.ts";

type Timed = Pick<RestUpgrade, "totalMs" | "phases">;

/** `quick` is the upgrade without latency: the time that engine, service and data take. */
export function latencyFinding(measured: {
  factor: number;
  quick: Timed;
  slow: Timed;
  paths: Readonly<Record<string, PhasePath>>;
}): Finding {
  const { factor, quick, slow, paths } = measured;
  const criticalMs = Object.values(paths).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return {
    name: "latency",
    what:
      "A whole upgrade from STARTER to PROFESSIONAL over REST on a local cloud whose changes take a part of Azure's time, " +
      "against its critical path (for each phase the longest way through what it changes, by the table of durations) plus " +
      "the time of the same upgrade without latency.",
    value: slow.totalMs / (criticalMs + quick.totalMs),
    unit: "ratio",
    goal: { atMost: 1.1 },
    figures: {
      factor,
      totalS: seconds(slow.totalMs),
      criticalPathS: seconds(criticalMs),
      engineS: seconds(quick.totalMs),
      // The stricter view, on which the time without latency has no part.
      addedS: seconds(slow.totalMs - quick.totalMs),
      addedAgainstCriticalPath:
        criticalMs === 0 ? null : rounded((slow.totalMs - quick.totalMs) / criticalMs, 3),
      phases: Object.fromEntries(
        Object.keys(slow.phases).map((phase) => [phase, phaseFigures(phase, measured)]),
      ),
    },
    onMiss:
      "The phases show where it is lost: waiting that is none of the path's, polls that come late, or resources that the " +
      "engine makes one after the other.",
  };
}

function phaseFigures(
  phase: string,
  { quick, slow, paths }: { quick: Timed; slow: Timed; paths: Readonly<Record<string, PhasePath>> },
) {
  const { milliseconds = 0, steps = [] } = paths[phase] ?? {};
  return {
    totalS: rounded(slow.phases[phase] ?? 0, 1),
    engineS: rounded(quick.phases[phase] ?? 0, 1),
    criticalPathS: seconds(milliseconds),
    path: steps.map((step) => `${nameOf(step.urn)} ${seconds(step.milliseconds)} s`),
  };
}

const nameOf = (urn: string) => urn.slice(urn.lastIndexOf("::") + 2);

const seconds = (milliseconds: number) => rounded(milliseconds / 1000, 1);
