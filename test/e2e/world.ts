/**
 * What there is in the world, asked by the test itself and not by the service: a way back has to end where it began.
 * Everything is looked at, not only what carries a tenant's name: what is left under another one shows as well.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import path from "node:path";
import { KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import pg from "pg";
import { readConnection } from "../../commands/endpoints.ts";
import { homeOf } from "../../commands/home.ts";
import { openOwn, openShared } from "../../commands/demo/blobs.ts";
import type { Container } from "../../commands/demo/container.ts";
import { connected } from "../../commands/demo/keys.ts";
import type { Cache } from "../../commands/demo/keys.ts";
import { eventsToken, storageToken } from "../../commands/demo/sign-in.ts";
import { READER, WRITER } from "../../automation/data/postgres/roles.ts";
import { SERVICE_DATABASES } from "../../commands/demo/schemas.ts";
import { readRequestLog } from "../../local/arm/request-log.ts";
import type { RequestLine } from "../../local/arm/request-log.ts";
import type { Installation } from "./installation.ts";
import { Operator } from "./operator.ts";

export interface World {
  /** Ids as ARM lists them in all subscriptions: groups, resources, role assignments, records. */
  arm: string[];
  /** Ids that the request log knows as made and not deleted: children, too, which no list shows. */
  made: string[];
  /** Clusters and the stores' servers that run. */
  servers: string[];
  /** What each object in the tenant's namespace of the shared cluster is and asks for. */
  objects: Record<string, string>;
  /** Count and checksum by table of the shared server. */
  rows: Record<string, string>;
  /** Count and digest of names and MD5s by tenant, of the shared account. */
  blobs: Record<string, string>;
  /** Count and digest of names, values and whether they end by tenant, of the shared cache; none where there is none. */
  keys: Record<string, string>;
  /** What could change, keep or send on rows of the shared server: slots, publications, identities, triggers. */
  replication: Record<string, string[]>;
  answers: Record<string, string[]>;
  /** The stack's resources: `urn id`. */
  state: string[];
}

export const armLogOf = ({ home }: Installation): RequestLine[] =>
  readRequestLog(path.join(home, "logs", "arm-requests.jsonl"));

/** The world around a tenant. */
export async function lookAt(installation: Installation, slug: string): Promise<World> {
  const endpoints = installation.endpoints();
  const { clusters, postgres, blobs: accounts, cache: caches = [], kafka = [] } = endpoints;
  const [arm, objects, rows, blobs, keys, replication, answers, state] = await Promise.all([
    listAll(new Operator(installation)),
    digestNamespace(installation, `tenant-${slug}`),
    digestRows(installation),
    digestBlobs(await sharedContainer(installation)),
    digestKeys(installation),
    replicationOf(installation),
    resolveAll(installation, slug),
    stateOf(installation, slug),
  ]);
  const servers = [...clusters, ...postgres, ...accounts, ...caches, ...kafka]
    .map(({ resourceId }) => resourceId.toLowerCase())
    .sort();
  const made = standing(armLogOf(installation));
  return { arm, made, servers, objects, rows, blobs, keys, replication, answers, state };
}

async function listAll(operator: Operator): Promise<string[]> {
  type Found = { id: string; type?: string; properties?: { TTL?: number } };
  const subscriptions = await operator.list<Found>("/subscriptions", "2022-12-01");
  const lists = await Promise.all(
    subscriptions.flatMap(({ id }) => [
      operator.list<Found>(`${id}/resourcegroups`, "2021-04-01"),
      operator.list<Found>(`${id}/resources`, "2021-04-01"),
      operator.list<Found>(`${id}/providers/Microsoft.Authorization/roleAssignments`, "2022-04-01"),
    ]),
  );
  const found = lists.flat();
  const zones = found.filter(({ type = "" }) => type.toLowerCase() === "microsoft.network/dnszones");
  const records = await Promise.all(
    zones.map(({ id }) => operator.list<Found>(`${id}/recordsets`, "2018-05-01")),
  );
  const told = [
    ...found.map(({ id }) => id.toLowerCase()),
    ...records.flat().map(({ id, properties }) => `${id.toLowerCase()} for ${properties?.TTL} s`),
  ];
  return told.sort();
}

/** What was made and, with all above it, not deleted again. */
function standing(lines: RequestLine[]): string[] {
  const there = new Set<string>();
  for (const { change, resourceId } of lines) {
    const id = resourceId?.toLowerCase() ?? "";
    if (change === "create") there.add(id);
    if (change !== "delete") continue;
    for (const one of there) if (one === id || one.startsWith(`${id}/`)) there.delete(one);
  }
  return [...there].sort();
}

const KINDS = [
  ["v1", ["ConfigMap", "LimitRange", "ResourceQuota", "Secret", "Service", "ServiceAccount"]],
  ["apps/v1", ["Deployment"]],
  ["autoscaling/v2", ["HorizontalPodAutoscaler"]],
  ["networking.k8s.io/v1", ["Ingress", "NetworkPolicy"]],
  ["policy/v1", ["PodDisruptionBudget"]],
  ["rbac.authorization.k8s.io/v1", ["Role", "RoleBinding"]],
] as const;

async function digestNamespace(
  installation: Installation,
  namespace: string,
): Promise<Record<string, string>> {
  const cluster = installation.endpoints().clusters.find(({ name }) => name.includes("platform"))!;
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const client = KubernetesObjectApi.makeApiClient(config);
  const digests: Record<string, string> = {};
  for (const [apiVersion, kinds] of KINDS)
    for (const kind of kinds) {
      const { items } = await client.list(apiVersion, kind, namespace);
      for (const { metadata, ...more } of items)
        digests[`${kind} ${metadata?.name}`] = `${metadata?.uid} ${digest(wishOf(kind, more))}`;
    }
  return digests;
}

/** Without status, and without the replicas that an autoscaler sets. */
function wishOf(kind: string, object: object): unknown {
  const wish = structuredClone(object) as { spec?: Record<string, unknown>; status?: unknown };
  delete wish.status;
  if (kind === "Deployment") delete wish.spec?.["replicas"];
  return wish;
}

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

/** Count and checksum of every table of the services on the shared server, or of the tenant's own. */
export async function digestRows(
  installation: Installation,
  of: string = "platform",
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  await eachDatabase(installation, of, async (client, database) => {
    const tables = await client.query<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables
       WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
    );
    const roles = await client.query<{ roles: string }>(
      // Those that no tenant has for its own stay: PostgreSQL's, and the two that all tenants' roles are members of.
      `SELECT string_agg(rolname, ' ' ORDER BY rolname) AS roles FROM pg_roles
       WHERE rolname !~ '^pg_' AND rolname NOT IN ('${READER}', '${WRITER}')`,
    );
    digests["roles"] = roles.rows[0]!.roles;
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ digest: string }>(
        `SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '-') AS digest
         FROM ${name} t`,
      );
      digests[`${database}.${name}`] = rows[0]!.digest;
    }
  });
  return digests;
}

/** The container with all tenants' blobs. */
export function sharedContainer(installation: Installation): Promise<Container> {
  return openShared(reachOf(installation), accountOf(installation, "platform")!);
}

/** The container of the tenant's own account; undefined where it has none. */
export async function ownContainer(installation: Installation, slug: string): Promise<Container | undefined> {
  const account = accountOf(installation, slug);
  return account && (await openOwn(reachOf(installation), account));
}

/** The platform's namespace of topics, or a tenant's own; undefined where there is none, or no Kafka. */
export const namespaceOf = (installation: Installation, of: string) =>
  installation.endpoints().kafka?.find(({ resourceId }) => resourceId.includes(of));

const accountOf = (installation: Installation, of: string) =>
  installation.endpoints().blobs.find(({ resourceId }) => resourceId.includes(of));

export const reachOf = (installation: Installation) => ({
  endpoints: () => Promise.resolve(installation.endpoints()),
  storageToken: async (whose: "platform" | "tenant") =>
    storageToken((await readConnection(homeOf(installation.home)))!, whose),
  eventsToken: async (whose: "platform" | "tenant", namespace: string) =>
    eventsToken((await readConnection(homeOf(installation.home)))!, whose, namespace),
});

/** Count and digest of names and MD5s, by the first part of the name. */
export async function digestBlobs(container: Container): Promise<Record<string, string>> {
  const tenants = new Map<string, string[]>();
  for (const { name, md5 } of await container.entries("")) {
    const [tenant = ""] = name.split("/");
    tenants.set(tenant, [...(tenants.get(tenant) ?? []), `${name.slice(tenant.length)} ${md5}`]);
  }
  return Object.fromEntries(
    [...tenants].map(([tenant, blobs]) => [tenant, `${blobs.length} ${digest(blobs.sort())}`]),
  );
}

/** The cache with all tenants' keys, or the tenant's own; undefined where there is none. */
export function cacheOf(installation: Installation, of: string = "platform"): Cache | undefined {
  return installation.endpoints().cache?.find(({ resourceId }) => resourceId.includes(of));
}

/** By the tenant that the key's name tells; the names begin after it. */
export async function digestKeys(
  installation: Installation,
  of: string = "platform",
): Promise<Record<string, string>> {
  const cache = cacheOf(installation, of);
  if (!cache) return {};
  const tenants = new Map<string, Set<string>>();
  await connected(cache, installation.endpoints().ca, async (client) => {
    const valueOf = async (key: string): Promise<unknown> => {
      const type = await client.type(key);
      if (type === "string") return client.get(key);
      if (type === "hash") return Object.entries(await client.hGetAll(key)).sort();
      if (type === "list") return client.lRange(key, 0, -1);
      if (type === "set") return (await client.sMembers(key)).sort();
      if (type === "zset") return client.zRangeWithScores(key, 0, -1);
      return client.xRange(key, "-", "+");
    };
    for await (const page of client.scanIterator({ COUNT: 1000 }))
      for (const key of page) {
        const [, tenant = "", ...name] = key.split(":");
        const ends = (await client.pTTL(key)) >= 0;
        const found = tenants.get(tenant) ?? new Set();
        tenants.set(tenant, found.add(JSON.stringify([name, await valueOf(key), ends])));
      }
  });
  return Object.fromEntries(
    [...tenants].map(([tenant, keys]) => [tenant, `${keys.size} ${digest([...keys].sort())}`]),
  );
}

/** By database, and the whole server's slots by each. */
export async function replicationOf(installation: Installation): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  await eachDatabase(installation, "platform", async (client, database) => {
    const { rows } = await client.query<{ line: string }>(
      `SELECT 'slot ' || slot_name AS line FROM pg_replication_slots
       UNION ALL SELECT 'publication ' || pubname FROM pg_publication
       UNION ALL SELECT 'subscription ' || subname FROM pg_stat_subscription
       UNION ALL SELECT format('identity %s of %s', relreplident, oid::regclass) FROM pg_class
         WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
       UNION ALL SELECT format('trigger %s of %s, %s', tgname, tgrelid::regclass, tgenabled) FROM pg_trigger
         WHERE NOT tgisinternal ORDER BY 1`,
    );
    found[database] = rows.map(({ line }) => line);
  });
  return found;
}

async function eachDatabase(
  installation: Installation,
  of: string,
  work: (client: pg.Client, database: string) => Promise<void>,
): Promise<void> {
  const { postgres, ca } = installation.endpoints();
  const server = postgres.find(({ resourceId }) => resourceId.includes(of))!;
  for (const { database } of SERVICE_DATABASES) {
    const client = new pg.Client({
      host: server.host,
      port: server.port,
      user: server.user,
      database,
      password: readFileSync(server.passwordFile, "utf8").trim(),
      ssl: { ca: readFileSync(ca, "utf8") },
    });
    await client.connect();
    try {
      await work(client, database);
    } finally {
      await client.end();
    }
  }
}

async function resolveAll(installation: Installation, slug: string): Promise<Record<string, string[]>> {
  const { host, port } = installation.endpoints().dns;
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([`${host}:${port}`]);
  const answers: Record<string, string[]> = {};
  for (const name of ["", "api.", "bi.", "any.", "next.", "api.next."])
    answers[name] = await resolver.resolve4(`${name}${slug}.matih.ai`).catch(() => []);
  return answers;
}

/** The resources of a tenant's stack; none where there is no such stack. */
export async function stateOf(installation: Installation, slug: string): Promise<string[]> {
  const exported = await installation
    .command("pulumi", "stack", "export", "-s", slug)
    .catch((error: unknown) => {
      if (/no stack named/.test(String(error))) return '{"deployment":{}}';
      throw error;
    });
  const { deployment } = JSON.parse(exported) as {
    deployment: { resources?: { urn: string; id?: string }[] };
  };
  return (deployment.resources ?? []).map(({ urn, id = "" }) => `${urn} ${id}`).sort();
}
