/**
 * `npm run chaos:data -- --runs 20 --seed 1`: tenants that are upgraded while they write, one after the other, on one
 * installation, with the mover, the service or a database server killed at moments that the seed gives. Ends with 1 when
 * a write was lost, came twice or to the wrong side, or when something was left behind.
 */
import { parseArgs } from "node:util";
import { Halves } from "../e2e/halves.ts";
import { describeKill, planKills } from "./plan.ts";
import { Chaos } from "./run.ts";
import type { Outcome } from "./run.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "20" }, seed: { type: "string", default: "1" } },
});
const [runs, seed] = [values.runs, values.seed].map(Number) as [number, number];
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed) || seed < 0) {
  console.error("usage: npm run chaos:data -- [--runs N] [--seed N], both whole numbers");
  process.exit(2);
}

const installation = new Halves();
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

let failed = 0;
let chaos: Chaos | undefined;
try {
  chaos = await Chaos.begin(installation);
  for (let run = 1; run <= runs && !stop.signal.aborted; run += 1) {
    const kills = planKills(seed + run - 1);
    console.log(`run ${run} (seed ${seed + run - 1}): ${kills.map(describeKill).join("; ")}`);
    const outcome = await chaos.run(`run-${run}`, kills, seed + run - 1);
    console.log(tell(outcome));
    if (outcome.wrong.length > 0) failed += 1;
  }
} finally {
  await chaos?.end();
  await installation.stop();
  installation.remove();
}
console.log(`chaos: ${failed} of ${runs} runs lost or left something`);
process.exitCode = failed > 0 || stop.signal.aborted ? 1 : 0;

function tell(outcome: Outcome): string {
  const { seconds, frozenSeconds, acknowledged, refused, unknown, kills, wrong } = outcome;
  const struck = kills.filter(({ struck }) => struck).length;
  const lines = [
    `  COMPLETED in ${seconds.toFixed(0)} s, ${struck} of ${kills.length} kills struck; frozen for ${frozenSeconds.toFixed(2)} s`,
    `  ${acknowledged} writes confirmed, ${refused} refused, ${unknown} cut off; ${wrong.length === 0 ? "all where they belong" : "WRONG:"}`,
    ...wrong.slice(0, 20).map((text) => `    ${text}`),
  ];
  return lines.join("\n");
}
