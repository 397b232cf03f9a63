/** What Kafka's verbs are asked: the member `kafka` of the document on standard input. */
import { z } from "zod";
import { CONSUMER_OFFSETS } from "../../../stacks/spec.ts";
import { DataError } from "../errors.ts";
import { loginSchema } from "../login.ts";

export const KAFKA_VERBS = [
  "copy",
  "catch-up",
  "verify",
  "finish",
  "reverse",
  "reverse-finish",
  "purge",
  "inspect",
] as const;
export type KafkaVerb = (typeof KAFKA_VERBS)[number];

const namespaceSchema = z.object({
  /** `host:port` */
  bootstrapServers: z.string().regex(/^[^:\s]+:\d+$/),
  /** The namespace's name, which tokens are for: the host's first part on Azure. */
  namespace: z.string().min(1),
  login: loginSchema.optional(),
});
export type KafkaNamespace = z.infer<typeof namespaceSchema>;

export const kafkaSchema = z.object({
  /** `host:port` that says where tokens are issued, when it is not public Azure. */
  metadataHost: z.string().min(1).optional(),
  /** The shared namespace, where the tenant's records lie among those of others. */
  source: namespaceSchema,
  /** The tenant's own. */
  target: namespaceSchema.optional(),
  /** The topics that both have, and their partitions. */
  topics: z.record(z.string(), z.int().min(1)),
  /** Records that are older leave by themselves, and are not moved. */
  retentionHours: z.number().positive(),
  /**
   * Where the tenant's consumer groups begin in the tenant's own namespace: with its earliest record, as the
   * specification has it, or with the record that they would have read next in the shared one.
   */
  offsets: z.enum(CONSUMER_OFFSETS).default("earliest"),
});
export type KafkaSettings = z.infer<typeof kafkaSchema>;

/** Throws `BAD_REQUEST`. */
export function parseKafkaVerb(value: string | undefined): KafkaVerb {
  const verb = KAFKA_VERBS.find((known) => known === value);
  if (verb) return verb;
  throw new DataError("BAD_REQUEST", `expected one of ${KAFKA_VERBS.join(", ")}, got "${value ?? ""}"`);
}
