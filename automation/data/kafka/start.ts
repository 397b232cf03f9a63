/** Where the way back begins: noted in the cutover's freeze, in the group of what is brought back. */
import { DataError } from "../errors.ts";
import { keyOf, noteCheckpoints, readCheckpoints } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { KafkaContext } from "./cluster.ts";
import { keeperOver, routeBack } from "./route.ts";
import { listOffsets, listTopics, partitionsOf } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

/** Of each partition the end of both sides. Whatever was noted by a cutover before this one is gone. */
export async function noteStart(context: KafkaContext): Promise<void> {
  const route = routeBack(context);
  const [topics, shared] = await Promise.all([
    listTopics(context, route.from),
    listTopics(context, route.to),
  ]);
  const known = topics.filter(({ topic }) => shared.some((there) => there.topic === topic));
  const [froms, starts] = await Promise.all([
    listOffsets(context, route.from, topics, "written"),
    listOffsets(context, route.to, known, "written"),
  ]);
  const checkpoints = partitionsOf(topics).map(({ topic, partition }) => {
    const from = froms.get(topic)?.[partition] ?? 0n;
    // A topic that the tenant has made for itself will be made with the first round.
    const start = starts.get(topic)?.[partition] ?? 0n;
    return { topic, partition, checkpoint: { offset: from, tail: start, from, start, moved: 0 } };
  });
  await noteCheckpoints(context, route, checkpoints);
}

/**
 * Throws `REFUSED` where it is not known from where on records are to be brought back, or where the mover itself has put
 * records there since: they would be in the shared namespace a second time.
 */
export async function requireNoted(
  context: KafkaContext,
  topics: MovedTopic[],
  checkpoints: Map<string, Checkpoint>,
): Promise<void> {
  const over = await readCheckpoints(context, keeperOver(context));
  for (const { of, ...at } of partitionsOf(topics)) {
    const noted = checkpoints.get(keyOf(at));
    const place = { side: "source" as const, ...at };
    // A topic of the tenant's own may be new.
    if (!noted && (of.scope === "tenant" || checkpoints.size === 0))
      throw new DataError("REFUSED", "the place where the way back begins is not noted, or is gone", place);
    if (noted && (over.get(keyOf(at))?.tail ?? 0n) > noted.from)
      throw new DataError(
        "REFUSED",
        "records were brought over since the switch: the way back has ended",
        place,
      );
  }
}
