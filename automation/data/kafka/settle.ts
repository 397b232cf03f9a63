/** Kafka's part of a cutover: brought over and compared before the freeze, so that in it only what came since has to be. */
import type { Alongside } from "../alongside.ts";
import type { KafkaRequest } from "../request.ts";
import { claimMove, keyOf } from "./checkpoint.ts";
import type { Claim } from "./checkpoint.ts";
import { openClusters } from "./cluster.ts";
import type { KafkaContext } from "./cluster.ts";
import { comparePartition } from "./compare.ts";
import { copyTopics } from "./copy.ts";
import { listOffsets, listTopics, partitionsOf, prepareTarget } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";
import { compareAll } from "./verify.ts";

/** Up to where both sides were shown to be the same. */
interface Shown {
  source: bigint;
  target: bigint;
}

/** Signed in when it resolves, so that the freeze need not wait for it. */
export async function createKafkaAlongside(
  request: KafkaRequest,
  options: Pick<KafkaContext, "signal" | "progress">,
): Promise<Alongside> {
  const { context, close } = await openClusters(request, options);
  let claim: Claim | undefined;
  let topics: MovedTopic[] = [];
  const shown = new Map<string, Shown>();
  const differences: string[] = [];
  const catchUp = async (using: KafkaContext) => {
    claim ??= await claimMove(context);
    const tally = { found: 0, copied: 0, bytes: 0 };
    return await copyTopics({ context: using, claim, tally, tell: () => undefined }, topics);
  };
  return {
    prepare: async () => {
      topics = await listTopics(context);
      await prepareTarget(context, topics);
      const checkpoints = await catchUp(context);
      await compareAll(context, topics, checkpoints, (at, { difference, tail }) => {
        if (difference !== undefined) differences.push(difference);
        shown.set(keyOf(at), { source: checkpoints.get(keyOf(at))!.offset, target: tail });
      });
    },
    settle: async (signal) => {
      if (differences.length > 0) return { differences: differences.sort() };
      const frozen = { ...context, signal };
      const checkpoints = await catchUp(frozen);
      const ends = await listOffsets(frozen, frozen.target(), topics, "end");
      const found: string[] = [];
      for (const { of, ...at } of partitionsOf(topics)) {
        const key = keyOf(at);
        const { offset } = checkpoints.get(key)!;
        const before = shown.get(key) ?? { source: 0n, target: 0n };
        if (offset === before.source) continue;
        const end = ends.get(at.topic)?.[at.partition] ?? 0n;
        const range = { from: before.source, to: offset, start: before.target, end };
        const { difference } = await comparePartition(frozen, of, at, range);
        if (difference !== undefined) found.push(difference);
      }
      return { differences: found };
    },
    close: async () => {
      await claim?.release();
      await close();
    },
  };
}
