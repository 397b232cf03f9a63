/**
 * Kafka's part of a switch, over or back: brought over and compared before the freeze, so that in it only what came since
 * has to be.
 */
import type { Alongside } from "../alongside.ts";
import type { KafkaRequest } from "../request.ts";
import { claimMove, keyOf } from "./checkpoint.ts";
import type { Claim } from "./checkpoint.ts";
import { openClusters } from "./cluster.ts";
import type { KafkaContext } from "./cluster.ts";
import { comparePartition } from "./compare.ts";
import { copyTopics, createTally } from "./copy.ts";
import { routeBack, routeOver } from "./route.ts";
import type { Route } from "./route.ts";
import { noteStart } from "./start.ts";
import { listOffsets, listTopics, partitionsOf, prepareTopics } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";
import { compareAll } from "./verify.ts";

type Options = Pick<KafkaContext, "signal" | "progress">;

export interface KafkaAlongside extends Alongside {
  /** In the freeze, once `settle` has found no differences: from here on the tenant's records are brought back. */
  startReverse(): Promise<void>;
}

/** Signed in when it resolves, so that the freeze need not wait for it. */
export async function createKafkaAlongside(request: KafkaRequest, options: Options): Promise<KafkaAlongside> {
  const { context, close } = await openClusters(request, options);
  return { ...settleMove(context, routeOver(context), close), startReverse: () => noteStart(context) };
}

/** The same for the way back: what was brought back since the switch is compared. */
export async function createKafkaReturn(request: KafkaRequest, options: Options): Promise<Alongside> {
  const { context, close } = await openClusters(request, options);
  return settleMove(context, routeBack(context), close);
}

/** Up to where both sides were shown to be the same. */
interface Shown {
  from: bigint;
  to: bigint;
}

function settleMove(context: KafkaContext, route: Route, closeClusters: () => Promise<void>) {
  let claim: Claim | undefined;
  let topics: MovedTopic[] = [];
  const shown = new Map<string, Shown>();
  const differences: string[] = [];
  const findTopics = async (using: KafkaContext) => {
    topics = await listTopics(using, route.from);
    await prepareTopics(using, route, topics);
  };
  const catchUp = async (using: KafkaContext) => {
    claim ??= await claimMove(context, route);
    const tally = createTally();
    return await copyTopics({ context: using, route, claim, tally, tell: () => undefined }, topics);
  };
  return {
    prepare: async () => {
      await findTopics(context);
      const checkpoints = await catchUp(context);
      await compareAll(context, route, topics, checkpoints, (at, { difference, tail }) => {
        if (difference !== undefined) differences.push(difference);
        shown.set(keyOf(at), { from: checkpoints.get(keyOf(at))!.offset, to: tail });
      });
    },
    settle: async (signal) => {
      if (differences.length > 0) return { differences: differences.sort() };
      const frozen = { ...context, signal };
      // The tenant may have made a topic of its own since; on the shared side it is not there to work any more.
      if (route.way === "back") await findTopics(frozen);
      const checkpoints = await catchUp(frozen);
      const ends = await listOffsets(frozen, route.to, topics, "written");
      const found: string[] = [];
      for (const { of, ...at } of partitionsOf(topics)) {
        const key = keyOf(at);
        const { offset } = checkpoints.get(key)!;
        const before = shown.get(key) ?? { from: 0n, to: 0n };
        if (offset === before.from) continue;
        const end = ends.get(at.topic)?.[at.partition] ?? 0n;
        const range = { from: before.from, to: offset, start: before.to, end };
        const { difference } = await comparePartition(frozen, route, of, at, range);
        if (difference !== undefined) found.push(difference);
      }
      return { differences: found };
    },
    close: async () => {
      await claim?.release();
      await closeClusters();
    },
  } satisfies Alongside;
}
