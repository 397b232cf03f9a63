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

const stores = {
  postgres: z.object({
    host: z.string(),
    port: z.coerce.number(),
    user: z.string(),
    password: z.string(),
    databases: z.array(z.string()),
  }),
  storage: z.object({ endpoint: z.string(), container: z.string() }),
  cache: z.object({ host: z.string(), port: z.coerce.number(), password: z.string() }),
  kafka: z.object({ bootstrapServers: z.string(), namespace: z.string() }),
};
type StoreName = keyof typeof stores;
type StoreOutput<Name extends StoreName> = z.infer<(typeof stores)[Name]>;
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

/** The address of the shared ingress. Throws MISSING_OUTPUT. */
export function sharedAddressOf(platformOutputs: Record<string, unknown>): string {
  const { data } = z.object({ ingressAddress: z.string().min(1) }).safeParse(platformOutputs);
  if (data !== undefined) return data.ingressAddress;
  throw tierliftError("MISSING_OUTPUT", { stack: "platform", output: "ingressAddress" });
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
  const shared = sharedOf(platformOutputs, "postgres");
  const own = findOwn(outputs, "postgres");
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
  const target = {
    ...ownOf(tenant, outputs, "storage"),
    credentials: required(tenant, credentials, "storage"),
  };
  return { ...input, blobs: { ...input.blobs, target } };
}

/** The same for the shared side alone. */
export function sharedBlobsOf(
  { id, slug }: TenantName,
  platformOutputs: Record<string, unknown>,
): BlobsDataInput {
  return { tenant: { id, slug }, blobs: { source: sharedOf(platformOutputs, "storage") } };
}

/** What the data command is told of caches: from the shared one to the tenant's own. Throws MISSING_OUTPUT. */
export function cacheInputOf(
  tenant: TenantName,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): CacheDataInput {
  const input = sharedCacheOf(tenant, platformOutputs);
  return { ...input, cache: { ...input.cache, target: ownOf(tenant, outputs, "cache") } };
}

/** The same for the shared side alone. */
export function sharedCacheOf(
  { id, slug }: TenantName,
  platformOutputs: Record<string, unknown>,
): CacheDataInput {
  return { tenant: { id, slug }, cache: { source: sharedOf(platformOutputs, "cache") } };
}

/** What the data command is told of Kafka: from the shared namespace to the tenant's own. Throws MISSING_OUTPUT. */
export function kafkaInputOf(
  tenant: TenantName,
  credentials: CredentialsReference | undefined,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): KafkaDataInput {
  const input = sharedKafkaOf(tenant, platformOutputs);
  const target = { ...ownOf(tenant, outputs, "kafka"), credentials: required(tenant, credentials, "kafka") };
  return { ...input, kafka: { ...input.kafka, target } };
}

/** The same for the shared side alone. */
export function sharedKafkaOf(
  { id, slug }: TenantName,
  platformOutputs: Record<string, unknown>,
): KafkaDataInput {
  return { tenant: { id, slug }, kafka: { source: sharedOf(platformOutputs, "kafka"), ...planTopics() } };
}

function sharedOf<Name extends StoreName>(
  platformOutputs: Record<string, unknown>,
  name: Name,
): StoreOutput<Name> {
  const { data } = stores[name].safeParse(platformOutputs[name]);
  if (data !== undefined) return data as StoreOutput<Name>;
  throw tierliftError("MISSING_OUTPUT", { stack: "platform", output: name });
}

function ownOf<Name extends StoreName>(
  tenant: TenantName,
  outputs: Record<string, unknown>,
  name: Name,
): StoreOutput<Name> {
  return required(tenant, findOwn(outputs, name), name);
}

/** Of the footprint; undefined where there is none, or not yet. */
function findOwn<Name extends StoreName>(
  outputs: Record<string, unknown>,
  name: Name,
): StoreOutput<Name> | undefined {
  const { data } = z.object({ dedicated: z.record(z.string(), z.unknown()) }).safeParse(outputs);
  return stores[name].safeParse(data?.dedicated[name]).data as StoreOutput<Name> | undefined;
}

function required<T>({ slug }: TenantName, value: T | undefined, name: StoreName): T {
  if (value !== undefined) return value;
  throw tierliftError("MISSING_OUTPUT", { stack: slug, output: `dedicated.${name}` });
}

function connectionOf({ host, port, user, password }: StoreOutput<"postgres">): PostgresConnection {
  return { host, port, user, password };
}
