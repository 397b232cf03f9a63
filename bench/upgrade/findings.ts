/** What an upgrade and the bare engine's figures come to. Pure. */
import { LAYER_OF_PHASE } from "../../automation/model.ts";
import type { Finding } from "../report.ts";
import { medianOf, rounded } from "../statistics.ts";
import { describeMemory, type MemorySample } from "./memory.ts";
import type { RawTime } from "./raw-stack.ts";
import type { RestUpgrade } from "./rest-upgrade.ts";

const seconds = (milliseconds: number) => rounded(milliseconds / 1000, 1);

export function upgradeFinding(rest: RestUpgrade, raw: RawTime): Finding {
  const isLayer = (phase: string) => phase in LAYER_OF_PHASE;
  const sum = (wanted: (phase: string) => boolean) =>
    Object.entries(rest.phases).reduce((total, [phase, length]) => total + (wanted(phase) ? length : 0), 0);
  const layersS = sum(isLayer);
  const othersS = sum((phase) => !isLayer(phase));
  return {
    name: "upgrade",
    what:
      "A whole upgrade from STARTER to PROFESSIONAL over REST, from the request to the event of its completion, against " +
      "one `up` (Automation API, which skips the preview) of a stack with the footprint that the upgrade ends with, from " +
      "nothing, without the service: same program, plugins, backend, local cloud without latency, and amount of rows. " +
      "The upgrade is nine updates and a destroy of one stack; validation, lock, preview, verification, cutover and " +
      "decommissioning have no counterpart in the `up`, while that one also makes the tenant's zone.",
    value: rest.totalMs / raw.milliseconds,
    unit: "ratio",
    goal: { atMost: 1.5 },
    figures: {
      upgradeS: seconds(rest.totalMs),
      rawUpS: seconds(raw.milliseconds),
      rawResources: raw.resources,
      phasesS: rest.phases,
      withCounterpartS: rounded(layersS, 1),
      withoutCounterpartS: rounded(othersS, 1),
      ratioOfThePhasesWithCounterpart: rounded((layersS * 1000) / raw.milliseconds, 3),
    },
    onMiss:
      "Each phase pays for a program run in preview and again in the update, and for new processes of engine and " +
      "plugins; fewer, warmer operations are what helps. The phases without counterpart are what a tenant gets for it.",
  };
}

export function previewFinding(rest: RestUpgrade, raw: readonly RawTime[]): Finding {
  const [coldMs = NaN, ...warm] = raw.map(({ milliseconds }) => milliseconds);
  const phaseS = rest.phases["PREVIEWING_CHANGES"] ?? NaN;
  return {
    name: "preview",
    what:
      "From the request that submits the credentials to the answer that holds the change set, against the engine's own " +
      "preview of the same footprint on the same stack . Both cold: neither process has loaded the program, and plugins " +
      "start with the preview; the engine's later previews, with the program loaded, are beside it. Over REST that includes " +
      "the validation of the service principal, the lock, a new process, two readings of the state, and the change set.",
    value: rest.previewMs / coldMs,
    unit: "ratio",
    goal: { atMost: 1.1 },
    figures: {
      restS: seconds(rest.previewMs),
      rawS: raw.map(({ milliseconds }) => seconds(milliseconds)),
      rawColdS: seconds(coldMs),
      rawWarmMedianS: seconds(medianOf(warm)),
      phaseAloneS: phaseS,
      ratioOfThePhaseAlone: rounded((phaseS * 1000) / coldMs, 3),
    },
    onMiss:
      "What lies between the two is the validation of the principal, a process to start, and the readings of the state.",
  };
}

export function memoryFinding(samples: readonly MemorySample[], idleMb: number): Finding {
  const seen = describeMemory(samples);
  return {
    name: "memory",
    what:
      "What one running upgrade adds to the idle service: the sum of the proportional set sizes of the service and of the " +
      "engine, program, plugin and data processes it starts, looked at once a second during the upgrade, its peak less the " +
      "same sum before the upgrade. Control planes and servers of the local cloud are not in it.",
    value: seen.peakMb - idleMb,
    unit: "MB",
    goal: { atMost: 300 },
    figures: { ...seen, idleMb: rounded(idleMb, 1) },
    onMiss:
      "One process each for engine, program and plugins holds a runtime of its own, and the program both SDKs; one " +
      "process for all plugins, and smaller heaps, are what helps.",
  };
}
