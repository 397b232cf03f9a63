/** What the data command is asked: one JSON document on standard input, because it carries passwords. */
import { z } from "zod";
import { planRoleName } from "../../stacks/naming.ts";
import { blobsSchema } from "./blobs/request.ts";
import { cacheSchema } from "./cache/request.ts";
import { DataError } from "./errors.ts";
import { kafkaSchema } from "./kafka/request.ts";

export const VERBS = [
  "provision",
  "copy",
  "catch-up",
  "verify",
  "delta",
  "cutover",
  "freeze",
  "unfreeze",
  "detach",
  "reverse",
  "return",
  "reopen",
  "end-reverse",
  "purge",
  "inspect",
] as const;
export type Verb = (typeof VERBS)[number];

const serverSchema = z.object({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  user: z.string().min(1),
  password: z.string(),
  /**
   * `require`: TLS with a certificate that is checked. `prefer`: the same, but plain where the server offers no TLS.
   * By default `prefer` on this machine and `require` everywhere else.
   */
  sslmode: z.enum(["require", "prefer", "disable"]).optional(),
});
export type Server = z.infer<typeof serverSchema>;

const tenantSchema = z.object({
  id: z.uuid().toLowerCase(),
  slug: z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/),
});

const requestSchema = z.object({
  tenant: tenantSchema,
  /** The shared server, as its administrator. */
  source: serverSchema,
  /** The tenant's own server, as its administrator. */
  target: serverSchema.optional(),
  databases: z.array(z.string().min(1)).min(1),
  migrationId: z.string().optional(),
  /** Longest time that a cutover may keep writes frozen; without it there is no limit. */
  freezeBudgetMs: z.int().min(1).optional(),
  /** Whether a cutover also begins to bring back what the tenant writes on its own side from then on. */
  reverse: z.boolean().optional(),
  /** The tenant's role on the shared server; its name follows from the slug where it is not given. */
  role: z
    .object({
      name: z.string().min(1),
      password: z.string().min(1).optional(),
      /** To all databases of the server together; without it the role keeps what it has. */
      connectionLimit: z.int().min(1).optional(),
    })
    .optional(),
  /** Settled in the cutover's freeze together with the rows. */
  blobs: blobsSchema.optional(),
  kafka: kafkaSchema.optional(),
});
export type DataRequest = z.infer<typeof requestSchema>;

const blobsRequestSchema = z.object({ tenant: tenantSchema, blobs: blobsSchema });
export type BlobsRequest = z.infer<typeof blobsRequestSchema>;

const cacheRequestSchema = z.object({ tenant: tenantSchema, cache: cacheSchema });
export type CacheRequest = z.infer<typeof cacheRequestSchema>;
const kafkaRequestSchema = z.object({ tenant: tenantSchema, kafka: kafkaSchema });
export type KafkaRequest = z.infer<typeof kafkaRequestSchema>;

/** Throws `BAD_REQUEST` with the paths of the wrong fields; never with their values, which may be passwords. */
export function parseRequest(text: string): DataRequest {
  return parseDocument(requestSchema, text);
}

/** The same for the blobs' verbs and for Kafka's, which need no server. */
export function parseBlobsRequest(text: string): BlobsRequest {
  return parseDocument(blobsRequestSchema, text);
}

/** The same for the cache's verbs. */
export function parseCacheRequest(text: string): CacheRequest {
  return parseDocument(cacheRequestSchema, text);
}

/** The same for Kafka's verbs. */
export function parseKafkaRequest(text: string): KafkaRequest {
  return parseDocument(kafkaRequestSchema, text);
}

function parseDocument<T>(schema: z.ZodType<T>, text: string): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "document"}: ${message}`,
  );
  throw new DataError("BAD_REQUEST", `the document on standard input is not valid: ${fields.join("; ")}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
    throw new DataError("BAD_REQUEST", "standard input does not hold one JSON document");
  }
}

export function parseVerb(value: string | undefined): Verb {
  const verb = VERBS.find((known) => known === value);
  if (verb) return verb;
  throw new DataError("BAD_REQUEST", `expected one of ${VERBS.join(", ")}, got "${value ?? ""}"`);
}

/** The server that a verb works on besides the source. */
export function requireTarget(request: DataRequest): Server {
  if (request.target) return request.target;
  throw new DataError("BAD_REQUEST", "target is missing: this verb needs the tenant's own server");
}

/** The tenant's role on the shared server, by the name that the slice gives it. */
export function roleNameOf(request: DataRequest): string {
  return request.role?.name ?? planRoleName(request.tenant.slug);
}
