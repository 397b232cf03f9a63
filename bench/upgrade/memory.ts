/** The memory of the service and of all that it starts, looked at while something goes on. */
import { familyOf, listProcesses, memoryOf } from "../processes.ts";
import { medianOf, rounded } from "../statistics.ts";

export interface MemorySample {
  /** Sums of proportional set sizes, in MB. */
  totalMb: number;
  serviceMb: number;
  /** By kind of process, for the sample with the highest total. */
  parts: Record<string, number>;
}

export interface MemorySampler {
  sample(): MemorySample | undefined;
  /** Ends it and gives what was seen. */
  stop(): MemorySample[];
}

const EVERY_MS = 1_000;
const SERVICE = /commands\/serve\.ts/;

/** Looks once a second at the service below an installation's process. */
export function watchMemory(installationPid: number): MemorySampler {
  const samples: MemorySample[] = [];
  const sample = () => sampleOf(installationPid);
  const timer = setInterval(() => {
    const found = sample();
    if (found !== undefined) samples.push(found);
  }, EVERY_MS);
  return {
    sample,
    stop() {
      clearInterval(timer);
      return samples;
    },
  };
}

function sampleOf(installationPid: number): MemorySample | undefined {
  const processes = listProcesses();
  const service = familyOf(installationPid, processes).find(({ commandLine }) => SERVICE.test(commandLine));
  if (service === undefined) return undefined;
  const parts: Record<string, number> = {};
  for (const { pid, commandLine } of familyOf(service.pid, processes)) {
    const kind = pid === service.pid ? "service" : kindOf(commandLine);
    parts[kind] = (parts[kind] ?? 0) + memoryOf(pid);
  }
  const totalMb = Object.values(parts).reduce((sum, part) => sum + part, 0);
  return { totalMb, serviceMb: parts["service"] ?? 0, parts };
}

/** What a process of the service's is, by its command line. Pure. */
export function kindOf(commandLine: string): string {
  const plugin = /(azure-native|kubernetes|command)(?:\.mjs|\/)/.exec(commandLine)?.[1];
  if (/bin\/pulumi /.test(commandLine)) return "engine";
  if (/child\.(mjs|ts)/.test(commandLine)) return "program";
  if (/automation\/data\/run\.mjs/.test(commandLine)) return "data command";
  return plugin === undefined ? "other" : `plugin ${plugin}`;
}

export function describeMemory(samples: readonly MemorySample[]) {
  const peak = samples.reduce((best, sample) => (sample.totalMb > best.totalMb ? sample : best));
  return {
    peakMb: rounded(peak.totalMb, 1),
    medianMb: rounded(medianOf(samples.map(({ totalMb }) => totalMb)), 1),
    serviceMedianMb: rounded(medianOf(samples.map(({ serviceMb }) => serviceMb)), 1),
    atThePeakMb: Object.fromEntries(Object.entries(peak.parts).map(([kind, mb]) => [kind, rounded(mb, 1)])),
    samples: samples.length,
  };
}
