/** The outputs of the stacks as this service reads them; anything else in them is left alone. */
import { parse } from "yaml";
import { z } from "zod";
import { planTopics } from "../stacks/stores/plan.ts";
import { tierliftError } from "./errors.ts";
import type { ClusterAddress, CredentialsReference } from "./model.ts";
import type {
  BlobsDataInput,
  CacheDataInput,
  DataInput,
  KafkaDataInput,
  PostgresConnection,
} from "./ports.ts";

const postgres = z.object({
  host: z.string(),
  port: z.coerce.number(),
  user: z.string(),
  password: z.string(),
  databases: z.array(z.string()),
});
const storage = z.object({ endpoint: z.string(), container: z.string() });
const cache = z.object({ host: z.string(), port: z.coerce.number(), password: z.string() });
const kafka = z.object({ bootstrapServers: z.string(), namespace: z.string() });
const endpoints = z.record(z.string(), z.string());

/** Where the services answer, from the tenant's outputs; empty where none are deployed. */
export function serviceEndpointsOf(outputs: Record<string, unknown>): Record<string, string> {
  const footprint = z.object({ serviceEndpoints: endpoints.optional() }).nullish();
  const { data } = z.object({ slice: footprint, dedicated: footprint }).safeParse(outputs);
  return data?.dedicated?.serviceEndpoints ?? data?.slice?.serviceEndpoints ?? {};
}

/** Where the dedicated cluster's API server answers; undefined where there is none yet. */
export function clusterAddressOf(outputs: Record<string, unknown>): ClusterAddress | undefined {
  const { data } = z.object({ dedicated: z.object({ kubeconfig: z.string() }) }).safeParse(outputs);
  return data === undefined ? undefined : addressIn(data.dedicated.kubeconfig);
}

/** The address that a kubeconfig's first cluster has. */
function addressIn(kubeconfig: string): ClusterAddress | undefined {
  const cluster = z.object({ server: z.string(), "certificate-authority-data": z.string() });
  const config = z.object({ clusters: z.array(z.object({ cluster })).min(1) });
  const { data } = config.safeParse(parse(kubeconfig));
  const found = data?.clusters[0]?.cluster;
  if (found === undefined) return undefined;
  const authority = Buffer.from(found["certificate-authority-data"], "base64").toString("utf8");
  return { server: found.server, authority };
}

/** The address of the dedicated ingress. Throws MISSING_OUTPUT. */
export function dedicatedAddressOf(stack: string, outputs: Record<string, unknown>): string {
  const { data } = z
    .object({ dedicated: z.object({ ingressAddress: z.string().min(1) }) })
    .safeParse(outputs);
  if (data === undefined)
    throw tierliftError("MISSING_OUTPUT", { stack, output: "dedicated.ingressAddress" });
  return data.dedicated.ingressAddress;
}

type TenantName = { id: string; slug: string };

/** What the data command is told: from the shared server to the dedicated one. Throws MISSING_OUTPUT. */
export function dataInputOf(
  tenant: TenantName,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): DataInput {
  const input = detachInputOf(tenant, outputs, platformOutputs);
  if (input.target !== undefined) return input;
  throw tierliftError("MISSING_OUTPUT", { stack: tenant.slug, output: "dedicated.postgres" });
}

/** The same for the end of a move, which does without the dedicated server where that is gone already. */
export function detachInputOf(
  { id, slug }: TenantName,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): DataInput {
  const shared = z.object({ postgres }).safeParse(platformOutputs).data?.postgres;
  if (shared === undefined) throw tierliftError("MISSING_OUTPUT", { stack: "platform", output: "postgres" });
  const own = z.object({ dedicated: z.object({ postgres }) }).safeParse(outputs).data?.dedicated.postgres;
  return {
    tenant: { id, slug },
    source: connectionOf(shared),
    ...(own === undefined ? {} : { target: connectionOf(own) }),
    databases: (own ?? shared).databases,
  };
}

/** What the data command is told of blobs: from the shared container to the tenant's own. Throws MISSING_OUTPUT. */
export function blobsInputOf(
  tenant: TenantName,
  credentials: CredentialsReference | undefined,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): BlobsDataInput {
  const input = sharedBlobsOf(tenant, platformOutputs);
  const own = z.object({ dedicated: z.object({ storage }) }).safeParse(outputs).data?.dedicated.storage;
  if (own === undefined || credentials === undefined)
    throw tierliftError("MISSING_OUTPUT", { stack: tenant.slug, output: "dedicated.storage" });
  return { ...input, blobs: { ...input.blobs, target: { ...own, credentials } } };
}

/** The same for the shared side alone. */
export function sharedBlobsOf(
  { id, slug }: TenantName,
  platformOutputs: Record<string, unknown>,
): BlobsDataInput {
  const source = z.object({ storage }).safeParse(platformOutputs).data?.storage;
  if (source === undefined) throw tierliftError("MISSING_OUTPUT", { stack: "platform", output: "storage" });
  return { tenant: { id, slug }, blobs: { source } };
}

/** What the data command is told of caches: from the shared one to the tenant's own. Throws MISSING_OUTPUT. */
export function cacheInputOf(
  tenant: TenantName,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): CacheDataInput {
  const input = sharedCacheOf(tenant, platformOutputs);
  const target = z.object({ dedicated: z.object({ cache }) }).safeParse(outputs).data?.dedicated.cache;
  if (target === undefined)
    throw tierliftError("MISSING_OUTPUT", { stack: tenant.slug, output: "dedicated.cache" });
  return { ...input, cache: { ...input.cache, target } };
}

/** The same for the shared side alone. */
export function sharedCacheOf(
  { id, slug }: TenantName,
  platformOutputs: Record<string, unknown>,
): CacheDataInput {
  const source = z.object({ cache }).safeParse(platformOutputs).data?.cache;
  if (source === undefined) throw tierliftError("MISSING_OUTPUT", { stack: "platform", output: "cache" });
  return { tenant: { id, slug }, cache: { source } };
}

/** What the data command is told of Kafka: from the shared namespace to the tenant's own. Throws MISSING_OUTPUT. */
export function kafkaInputOf(
  tenant: TenantName,
  credentials: CredentialsReference | undefined,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): KafkaDataInput {
  const input = sharedKafkaOf(tenant, platformOutputs);
  const own = z.object({ dedicated: z.object({ kafka }) }).safeParse(outputs).data?.dedicated.kafka;
  if (own === undefined || credentials === undefined)
    throw tierliftError("MISSING_OUTPUT", { stack: tenant.slug, output: "dedicated.kafka" });
  return { ...input, kafka: { ...input.kafka, target: { ...own, credentials } } };
}

/** The same for the shared side alone. */
export function sharedKafkaOf(
  { id, slug }: TenantName,
  platformOutputs: Record<string, unknown>,
): KafkaDataInput {
  const source = z.object({ kafka }).safeParse(platformOutputs).data?.kafka;
  if (source === undefined) throw tierliftError("MISSING_OUTPUT", { stack: "platform", output: "kafka" });
  return { tenant: { id, slug }, kafka: { source, ...planTopics() } };
}

function connectionOf({ host, port, user, password }: z.infer<typeof postgres>): PostgresConnection {
  return { host, port, user, password };
}
