/** `inspect`: what the shared namespace holds of a tenant, without changing anything. */
import { createHash } from "node:crypto";
import { secondsSince } from "../progress.ts";
import type { KafkaContext } from "./cluster.ts";
import { filterRecords } from "./compare.ts";
import { listGroups } from "./groups.ts";
import { readRecords } from "./read.ts";
import { digestOf } from "./records.ts";
import type { KafkaInspectReport } from "./report.ts";
import { filterOf, listOffsets, listTopics, partitionsOf } from "./topics.ts";

export async function inspectRecords(context: KafkaContext): Promise<KafkaInspectReport> {
  const startedMs = performance.now();
  const topics = await listTopics(context);
  const [from, to] = await Promise.all([
    listOffsets(context, context.source, topics, "earliest"),
    listOffsets(context, context.source, topics, "end"),
  ]);
  const reports: KafkaInspectReport["topics"] = [];
  for (const topic of topics) {
    const hash = createHash("sha256");
    let records = 0;
    for (const { of, ...at } of partitionsOf([topic])) {
      hash.update(`${at.partition}\n`);
      const [first, last] = [from.get(at.topic)![at.partition]!, to.get(at.topic)![at.partition]!];
      const all = readRecords(context, context.source, at, first, last);
      for await (const record of filterRecords(all, filterOf(context, of))) {
        hash.update(digestOf(record));
        records += 1;
      }
    }
    reports.push({ topic: topic.topic, scope: topic.scope, records, digest: hash.digest("hex") });
  }
  const digest = createHash("sha256");
  for (const { topic, digest: one } of reports) digest.update(`${topic}\0${one}\n`);
  return {
    store: "kafka",
    verb: "inspect",
    topics: reports,
    records: reports.reduce((sum, { records }) => sum + records, 0),
    groups: await listGroups(context),
    digest: digest.digest("hex"),
    seconds: secondsSince(startedMs),
  };
}
