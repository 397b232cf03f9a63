/** What each of Kafka's verbs does. */
import { finishMove } from "./checkpoint.ts";
import type { KafkaContext } from "./cluster.ts";
import { copyRecords } from "./copy.ts";
import { inspectRecords } from "./inspect.ts";
import { purgeRecords } from "./purge.ts";
import type { KafkaReport } from "./report.ts";
import type { KafkaVerb } from "./request.ts";
import { reverseRecords } from "./reverse.ts";
import { keeperBack, keeperOver } from "./route.ts";
import { verifyRecords } from "./verify.ts";

const RUN = {
  copy: (context) => copyRecords(context),
  "catch-up": (context) => copyRecords(context, "catch-up"),
  verify: verifyRecords,
  finish: (context) => finishMove(context, keeperOver(context), "finish"),
  reverse: reverseRecords,
  "reverse-finish": (context) => finishMove(context, keeperBack(context), "reverse-finish"),
  purge: purgeRecords,
  inspect: inspectRecords,
} as const satisfies Record<KafkaVerb, (context: KafkaContext) => Promise<KafkaReport>>;

/** Throws a `DataError` that says what failed and where. */
export async function runKafkaVerb(verb: KafkaVerb, context: KafkaContext): Promise<KafkaReport> {
  return await RUN[verb](context);
}
