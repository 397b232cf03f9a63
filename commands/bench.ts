/**
 * `npm run bench [-- --only http|upgrade|setup|latency|data] [--cold] [--factor F]`: measures the service against what it is made of, in one run.
 * Standard output is one JSON document; what goes on is told on standard error.
 */
import os from "node:os";
import { measureData } from "../bench/data/measure.ts";
import { measureHttp } from "../bench/http/measure.ts";
import { createReport, describeMeasure, judged, type Finding, type Measure } from "../bench/report.ts";
import { measureColdSetup, measureWarmSetup } from "../bench/setup.ts";
import { measureLatency } from "../bench/upgrade/latency.ts";
import { measureUpgrade } from "../bench/upgrade/measure.ts";
import { ensureParts } from "../setup/parts.ts";
import { CommandError, parseOptions, runCommandLine, type CommandContext } from "./command-line.ts";

const USAGE = "usage: npm run bench [-- --only http|upgrade|setup|latency|data] [--cold] [--factor F]";

type Group = (
  options: { cold: boolean; factor: number } & Pick<CommandContext, "log" | "signal">,
) => Promise<(Finding | Measure)[]>;

const GROUPS = {
  http: ({ signal }) => measureHttp(signal),
  upgrade: async ({ log, signal }) =>
    measureUpgrade({ parts: await ensureParts({ log, signal }), log, signal }),
  setup: async ({ cold, log, signal }) => {
    await ensureParts({ log, signal });
    return [await measureWarmSetup(signal), await measureColdSetup(cold, signal)];
  },
  // Two upgrades, one of them slow: only when asked for.
  latency: async ({ factor, log, signal }) => {
    await ensureParts({ log, signal });
    return [await measureLatency({ factor, log, signal })];
  },
  // More than a GB of rows: only when asked for.
  data: async ({ log, signal }) => measureData(await ensureParts({ log, signal }), { log, signal }),
} as const satisfies Record<string, Group>;

const ON_DEMAND = new Set(["latency", "data"]);

await runCommandLine(async ({ args, log, signal }) => {
  const options = {
    only: { type: "string" },
    cold: { type: "boolean", default: false },
    factor: { type: "string", default: "0.05" },
  } as const;
  const { only, cold, factor: factorText } = parseOptions(args, options, USAGE);
  const factor = Number(factorText);
  const isKnown = only === undefined || only in GROUPS;
  if (!isKnown || !(factor > 0 && factor <= 1)) throw new CommandError(USAGE, 2);
  const measures: Measure[] = [];
  for (const [name, group] of Object.entries<Group>(GROUPS)) {
    if (only === undefined ? ON_DEMAND.has(name) : only !== name) continue;
    log(`bench: ${name}`);
    for (const found of await group({ cold, factor, log, signal })) {
      const measure = "figures" in found && "goal" in found ? judged(found) : found;
      log(`bench: ${describeMeasure(measure)}`);
      measures.push(measure);
    }
  }
  console.log(JSON.stringify(createReport(new Date(), machine(), measures), null, 2));
});

function machine() {
  const [cpu] = os.cpus();
  return {
    processor: cpu?.model,
    processors: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 1024 ** 3),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    // Above the number of processors, others were at work: figures are then worse than they have to be.
    loadBefore: os.loadavg()[0],
  };
}
