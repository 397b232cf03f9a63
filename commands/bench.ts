/**
 * `npm run bench [-- --only NAME]`: measures the service against what it is made of, in one run. Standard output is one
 * JSON document; what goes on is told on standard error.
 */
import os from "node:os";
import { measureHttp } from "../bench/http/measure.ts";
import { createReport, describeMeasure, judged, type Measure } from "../bench/report.ts";
import { runCommandLine } from "./command-line.ts";

await runCommandLine(async ({ log, signal }) => {
  const measures: Measure[] = [];
  for (const finding of await measureHttp(signal)) {
    const measure = judged(finding);
    log(`bench: ${describeMeasure(measure)}`);
    measures.push(measure);
  }
  console.log(JSON.stringify(createReport(new Date(), { cpus: os.cpus().length }, measures), null, 2));
});
