/** What Kafka's verbs report on standard output. Keys, values and headers of records are never in it. */

export interface TopicReport {
  topic: string;
  /** `tenant`: the tenant's records of a common topic. `own`: a topic of the tenant's, whole. */
  scope: "tenant" | "own";
  partitions: { partition: number; records: number }[];
}

export interface GroupReport {
  group: string;
  /** Partitions whose offset was set in the tenant's own namespace. */
  set: number;
  /** Those that the tenant has moved on since, which are left alone. */
  left: number;
}

export interface KafkaCopyReport {
  store: "kafka";
  verb: "copy" | "catch-up";
  topics: TopicReport[];
  /** Of the tenant, in what was read of the shared namespace by this run. */
  found: number;
  /** By this run; less than found where a run before was interrupted. */
  copied: number;
  bytes: number;
  groups: GroupReport[];
  seconds: number;
  recordsPerSecond: number;
}

export interface KafkaReverseReport {
  store: "kafka";
  verb: "reverse";
  /** With the records that were brought back since the switch. */
  topics: TopicReport[];
  /** In what was read of the tenant's own namespace by this run. */
  found: number;
  /** By this run; less than found where a run before was interrupted. */
  copied: number;
  bytes: number;
  /** Records of common topics that this run has left where they are: their keys say that they are another tenant's. */
  left: number;
  seconds: number;
  recordsPerSecond: number;
}

export interface PartitionVerified {
  topic: string;
  partition: number;
  records: number;
  /** SHA-256 over the records' digests in order; the same on both sides. */
  digest: string;
}

export interface KafkaVerifyReport {
  store: "kafka";
  verb: "verify";
  ok: boolean;
  verified: number;
  partitions: PartitionVerified[];
  /** In the tenant's own namespace, not from the move: the tenant has begun to work there. */
  others: number;
  /** Made in the shared namespace since: brought over by the next `catch-up`. */
  pending: number;
  /** Gone from one side by their age since they were moved. */
  expired: number;
  differences: string[];
  seconds: number;
}

export interface KafkaPurgeReport {
  store: "kafka";
  verb: "purge";
  /** Topics of the tenant's own that were deleted. */
  topics: string[];
  groups: string[];
  /** Kafka deletes no single records: those in common topics leave by their age, the last of them at `until`. */
  remaining: { records: number; until: string | null };
  seconds: number;
}

export interface KafkaInspectReport {
  store: "kafka";
  verb: "inspect";
  topics: { topic: string; scope: "tenant" | "own"; records: number; digest: string }[];
  records: number;
  groups: string[];
  /** SHA-256 over the topics' digests in order. */
  digest: string;
  seconds: number;
}

export interface KafkaFinishReport {
  store: "kafka";
  verb: "finish" | "reverse-finish";
  /** The mover's own, which is gone. */
  group: string;
}

export type KafkaReport =
  | KafkaCopyReport
  | KafkaReverseReport
  | KafkaVerifyReport
  | KafkaFinishReport
  | KafkaPurgeReport
  | KafkaInspectReport;
