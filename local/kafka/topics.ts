/** Event hubs as topics: made, enlarged, changed and deleted as their resources say. */
import { setTimeout as delay } from "node:timers/promises";
import type { Admin } from "@platformatic/kafka";
import { ConfigResourceTypes, GenericError, IncrementalAlterConfigOperationTypes } from "@platformatic/kafka";
import type { ArmResource } from "../arm/backend.ts";
import { stringAt, valueAt } from "../arm/http.ts";

const askEveryMs = 20;
const seenWithinMs = 15_000;
const hourMs = 60 * 60 * 1000;

export interface TopicPlan {
  name: string;
  partitions: number;
  configs: Record<string, string>;
}

/** What Kafka is to hold for an event hub. */
export function planTopic({ name, body }: ArmResource): TopicPlan {
  const policy = stringAt(body, "properties.retentionDescription.cleanupPolicy") ?? "Delete";
  const numberAt = (path: string): number | undefined => {
    const value = valueAt(body, `properties.${path}`);
    return value === undefined ? undefined : Number(value);
  };
  const hours =
    numberAt("retentionDescription.retentionTimeInHours") ?? (numberAt("messageRetentionInDays") ?? 7) * 24;
  const tombstoneHours = numberAt("retentionDescription.tombstoneRetentionTimeInHours");
  return {
    name,
    partitions: numberAt("partitionCount") ?? 1,
    configs: {
      "cleanup.policy":
        policy === "Compact" ? "compact" : policy === "DeleteOrCompact" ? "compact,delete" : "delete",
      // -1 has no end.
      "retention.ms": String(hours < 0 ? -1 : hours * hourMs),
      ...(tombstoneHours === undefined ? {} : { "delete.retention.ms": String(tombstoneHours * hourMs) }),
    },
  };
}

/** Makes the topic be there as planned. A topic never shrinks: ARM has refused that. */
export async function ensureTopic(admin: Admin, { name, partitions, configs }: TopicPlan): Promise<void> {
  const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const present = await countPartitions(admin, name);
  if (present === undefined) {
    await admin.createTopics({ topics: [name], partitions, replicas: 1, configs: entries });
    await untilSeen(admin, name, (found) => found === partitions);
    return;
  }
  if (present < partitions) {
    await admin.createPartitions({ topics: [{ name, count: partitions }] });
    await untilSeen(admin, name, (found) => found === partitions);
  }
  const configOperation = IncrementalAlterConfigOperationTypes.SET;
  await admin.incrementalAlterConfigs({
    resources: [
      {
        resourceType: ConfigResourceTypes.TOPIC,
        resourceName: name,
        configs: entries.map((entry) => ({ ...entry, configOperation })),
      },
    ],
  });
}

export async function removeTopic(admin: Admin, name: string): Promise<void> {
  if ((await countPartitions(admin, name)) === undefined) return;
  await admin.deleteTopics({ topics: [name] });
  await untilSeen(admin, name, (found) => found === undefined);
}

/** The broker answers by what it has read of the controller's log, which is a moment behind. */
async function untilSeen(
  admin: Admin,
  name: string,
  isSeen: (partitions: number | undefined) => boolean,
): Promise<void> {
  const deadline = Date.now() + seenWithinMs;
  while (!isSeen(await countPartitions(admin, name))) {
    if (Date.now() > deadline)
      throw new Error(`The broker does not show the change of topic ${name} after ${seenWithinMs / 1000} s.`);
    await delay(askEveryMs);
  }
}

/** Undefined where there is no such topic. */
export async function countPartitions(admin: Admin, name: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
    return topics.get(name)?.partitionsCount;
  } catch (error) {
    if (error instanceof GenericError && error.message.startsWith("Unknown topic")) return undefined;
    throw error;
  }
}
