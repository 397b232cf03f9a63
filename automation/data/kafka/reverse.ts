/**
 * `reverse`: the shared namespace gets the records that the tenant's own one got since the switch, so that nothing is lost
 * when the tenant goes back. What old services have written late to the shared topics stays there, beside them.
 */
import { secondsSince } from "../progress.ts";
import { claimMove } from "./checkpoint.ts";
import type { KafkaContext } from "./cluster.ts";
import { copyTopics, createTally, createTeller, planReports } from "./copy.ts";
import type { KafkaReverseReport } from "./report.ts";
import { routeBack } from "./route.ts";
import { listTopics, prepareTopics } from "./topics.ts";

/** Repeatable; goes on where an earlier run was. Throws `REFUSED` where no cutover has noted the place to begin at. */
export async function reverseRecords(context: KafkaContext): Promise<KafkaReverseReport> {
  const startedMs = performance.now();
  const route = routeBack(context);
  const topics = await listTopics(context, route.from);
  const claim = await claimMove(context, route);
  try {
    await prepareTopics(context, route, topics);
    const tally = createTally();
    const tell = createTeller(context, "reverse", tally);
    const counted = await copyTopics({ context, route, claim, tally, tell }, topics);
    const seconds = secondsSince(startedMs);
    const { copied: records, bytes } = tally;
    context.progress({ event: "reverse: records brought back", records, bytes, seconds });
    const recordsPerSecond = Math.round(records / Math.max(seconds, 0.001));
    const report = { topics: planReports(topics, counted), ...tally };
    return { store: "kafka", verb: "reverse", ...report, seconds, recordsPerSecond };
  } finally {
    await claim.release();
  }
}
