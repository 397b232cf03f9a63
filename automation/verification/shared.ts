/** The shared side of a tenant, read: the platform's outputs as they are wanted here, its PostgreSQL server and other stores. */
import { z } from "zod";
import { tierliftError } from "../errors.ts";
import { sharedBlobsOf, sharedCacheOf, sharedKafkaOf } from "../outputs.ts";
import type { Ports, SliceContext } from "../ports.ts";

const postgres = z.object({
  host: z.string(),
  port: z.coerce.number(),
  user: z.string(),
  password: z.string(),
  databases: z.array(z.string()),
});
const platform = z.object({
  kubeconfig: z.string(),
  ingressAddress: z.string(),
  zoneResourceGroup: z.string(),
  postgres,
});

/** Throws MISSING_OUTPUT. */
export function platformOf(outputs: Record<string, unknown>): z.infer<typeof platform> {
  const { data, error } = platform.safeParse(outputs);
  if (data !== undefined) return data;
  const output = error.issues.map(({ path }) => path.join(".")).join(", ");
  throw tierliftError("MISSING_OUTPUT", { stack: "platform", output });
}

const report = z.object({
  databases: z.array(
    z.object({
      name: z.string(),
      tables: z.array(z.object({ table: z.string(), rows: z.number(), checksum: z.string() })),
      publications: z.array(z.string()),
    }),
  ),
  role: z.object({ name: z.string(), exists: z.boolean(), reads: z.boolean(), writes: z.boolean() }),
  slots: z.array(z.string()),
});

/** What the shared PostgreSQL server holds of the tenant, by the data command. */
export async function inspectShared(
  runData: Ports["runData"],
  { tenant, platformOutputs, signal }: SliceContext,
): Promise<z.infer<typeof report>> {
  const { databases, ...source } = platformOf(platformOutputs).postgres;
  const input = { tenant: { id: tenant.id, slug: tenant.slug }, source, databases };
  return report.parse(await runData("inspect", input, signal));
}

const blobsReport = z.object({ blobs: z.number(), bytes: z.number(), digest: z.string() });

/** What the shared account holds of the tenant, by the data command. */
export async function inspectSharedBlobs(
  runBlobs: Ports["runBlobs"],
  { tenant, platformOutputs, signal }: SliceContext,
): Promise<z.infer<typeof blobsReport>> {
  return blobsReport.parse(await runBlobs("inspect", sharedBlobsOf(tenant, platformOutputs), signal));
}

const cacheReport = z.object({ keys: z.number(), expiring: z.number(), digest: z.string() });

/** What the shared cache holds of the tenant, by the data command. */
export async function inspectSharedCache(
  runCache: NonNullable<Ports["runCache"]>,
  { tenant, platformOutputs, signal }: SliceContext,
): Promise<z.infer<typeof cacheReport>> {
  return cacheReport.parse(await runCache("inspect", sharedCacheOf(tenant, platformOutputs), signal));
}

const kafkaReport = z.object({
  records: z.number(),
  digest: z.string(),
  groups: z.array(z.string()),
  topics: z.array(z.object({ topic: z.string(), scope: z.enum(["tenant", "own"]) })),
});

/** What the shared namespace holds of the tenant, by the data command. */
export async function inspectSharedKafka(
  runKafka: NonNullable<Ports["runKafka"]>,
  { tenant, platformOutputs, signal }: SliceContext,
): Promise<z.infer<typeof kafkaReport>> {
  return kafkaReport.parse(await runKafka("inspect", sharedKafkaOf(tenant, platformOutputs), signal));
}
