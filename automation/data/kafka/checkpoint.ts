/**
 * How far the mover is, kept in the namespace that it writes to as offsets of a consumer group that only the mover is in.
 * Its one member has a fixed name: a second run takes its place, and the first one's next commit is refused.
 */
import { Consumer } from "@platformatic/kafka";
import { z } from "zod";
import { DataError } from "../errors.ts";
import { ask, call, closeClient, isAnswer } from "./cluster.ts";
import type { Broker, KafkaContext, Side } from "./cluster.ts";
import type { TopicPartition } from "./read.ts";
import type { KafkaFinishReport } from "./report.ts";
import type { Keeper } from "./route.ts";

const MEMBER = "mover";
const SESSION_MS = 60_000;
/** Of an offset that is set from outside of the group. */
const NO_GENERATION = -1;
/** The broker's words for a member that another one has replaced. */
const REPLACED = ["FENCED_INSTANCE_ID", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_MEMBER_EPOCH"];

export interface Checkpoint {
  /** Everything of the tenant before this offset of the side that is read is on the side that is written to. */
  offset: bigint;
  /**
   * A batch is on its way: the tenant's records from `offset` up to here may have arrived already, the first of them or
   * all. They lie from `tail` on.
   */
  open?: bigint;
  /** Offset of the side that is written to, behind the last record that the mover has put there. */
  tail: bigint;
  /** Where the move began, on the side that is read and on the one that is written to. */
  from: bigint;
  start: bigint;
  /** Records moved before `offset`. */
  moved: number;
}

const offsetText = z
  .string()
  .regex(/^\d+$/)
  .transform((text) => BigInt(text));
const metadataSchema = z.object({
  open: offsetText.optional(),
  tail: offsetText,
  from: offsetText,
  start: offsetText,
  moved: z.int(),
});

export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

/** All checkpoints by `keyOf`; none where nothing was ever moved. */
export async function readCheckpoints(
  context: Pick<KafkaContext, "signal">,
  { to, group }: Keeper,
): Promise<Map<string, Checkpoint>> {
  const found = await call(context, { side: to.name, group }, () =>
    to.admin.listConsumerGroupOffsets({ groups: [group] }),
  );
  const all = found.flatMap(({ topics }) =>
    topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, committedOffset: offset, metadata }) => {
        const place = { side: to.name, topic, partition };
        return [keyOf(place), { offset, ...parseMetadata(metadata, place) }] as const;
      }),
    ),
  );
  return new Map(all);
}

function parseMetadata(text: string | null | undefined, place: TopicPartition): Omit<Checkpoint, "offset"> {
  try {
    const { open, ...rest } = metadataSchema.parse(JSON.parse(text ?? ""));
    return { ...rest, ...(open !== undefined && { open }) };
  } catch (error) {
    throw new DataError("REFUSED", "the mover's checkpoint is not one of its own", place, { cause: error });
  }
}

export interface Claim {
  /** Durable when it resolves. Throws `REFUSED` when another run has taken over. */
  commit(at: TopicPartition, checkpoint: Checkpoint): Promise<void>;
  /** What is committed stays. */
  release(): Promise<void>;
}

/** Makes this run the one that moves the tenant's records; a run that is still at it is stopped by its next commit. */
export async function claimMove(
  context: Pick<KafkaContext, "signal">,
  { to: side, group }: Keeper,
): Promise<Claim> {
  const place = { side: side.name, group };
  const consumer = new Consumer({
    ...side.options,
    groupId: group,
    groupInstanceId: MEMBER,
    sessionTimeout: SESSION_MS,
  });
  // A heartbeat that fails is found by the next commit.
  consumer.on("consumer:heartbeat:error", () => undefined);
  const leave = () => closeClient(() => consumer.close(true));
  try {
    await call(context, place, () => consumer.joinGroup({}));
    const coordinator = await call(context, place, () => findCoordinator(side, group));
    return {
      commit: (at, checkpoint) =>
        call(context, place, () =>
          ask<void>(
            side,
            "OffsetCommit",
            coordinator,
            group,
            consumer.generationId,
            consumer.memberId,
            MEMBER,
            [planCommit(at, checkpoint)],
          ),
        ).catch((error: unknown) => {
          if (!REPLACED.some((apiId) => isAnswer(error, apiId))) throw error;
          throw new DataError("REFUSED", "another run of the mover has taken over", place, { cause: error });
        }),
      release: leave,
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

async function findCoordinator({ admin }: Side, group: string): Promise<Broker> {
  const [found] = await admin.findCoordinator({ keyType: 0, keys: [group] });
  if (!found) throw new DataError("BROKER", "the group has no coordinator now");
  return found;
}

function planCommit({ topic, partition }: TopicPartition, { offset, moved, ...rest }: Checkpoint): unknown {
  const offsets = Object.entries(rest).map(([name, value]) => [name, String(value)]);
  const committedMetadata = JSON.stringify({ ...Object.fromEntries(offsets), moved });
  return {
    name: topic,
    partitions: [
      { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata },
    ],
  };
}

/**
 * Notes all checkpoints anew, and nothing else stays of what was noted before. In few calls, as writes may be frozen:
 * no run is to be at it, so that none has to be stopped.
 */
export async function noteCheckpoints(
  context: Pick<KafkaContext, "signal">,
  keeper: Keeper,
  checkpoints: (TopicPartition & { checkpoint: Checkpoint })[],
): Promise<void> {
  const { to, group } = keeper;
  const place = { side: to.name, group };
  await removeKept(context, keeper);
  const coordinator = await call(context, place, () => findCoordinator(to, group));
  const commits = checkpoints.map(({ checkpoint, ...at }) => planCommit(at, checkpoint));
  await call(context, place, () =>
    ask<void>(to, "OffsetCommit", coordinator, group, NO_GENERATION, "", null, commits),
  );
}

/**
 * `finish` and `reverse-finish`: the move has ended, and with it what was kept of it. Another copy would bring everything
 * a second time, so it is not to be asked for before it is known that there will be none.
 */
export async function finishMove(
  context: Pick<KafkaContext, "signal">,
  keeper: Keeper,
  verb: KafkaFinishReport["verb"],
): Promise<KafkaFinishReport> {
  await removeKept(context, keeper);
  return { store: "kafka", verb, group: keeper.group };
}

/** Repeatable: what is gone stays gone. */
export async function removeKept(context: Pick<KafkaContext, "signal">, keeper: Keeper): Promise<void> {
  const { to, group } = keeper;
  const remove = () =>
    call(context, { side: to.name, group }, () => to.admin.deleteGroups({ groups: [group] }));
  const isGone = (error: unknown) => isAnswer(error, "GROUP_ID_NOT_FOUND");
  try {
    await remove();
  } catch (error) {
    if (isGone(error)) return;
    if (!isAnswer(error, "NON_EMPTY_GROUP")) throw error;
    // A run that was killed is still a member; this one takes its place, and leaves.
    await (await claimMove(context, keeper)).release();
    await remove().catch((again: unknown) => {
      if (!isGone(again)) throw again;
    });
  }
}
