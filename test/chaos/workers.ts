/** All that writes for one tenant, and where it finds its stores. */
import { readFileSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { Admin } from "@platformatic/kafka";
import type { BaseOptions } from "@platformatic/kafka";
import pg from "pg";
import { planOptions } from "../../commands/demo/records.ts";
import type { Endpoints } from "../../commands/endpoints.ts";
import { STORE_SECRETS } from "../../stacks/services/environment.ts";
import type { Halves } from "../e2e/halves.ts";
import { until } from "../e2e/installation.ts";
import { namespaceOf, ownContainer, reachOf, sharedContainer } from "../e2e/world.ts";
import { BlobWriter, findBlobs } from "./blob-writer.ts";
import type { BlobPlace } from "./blob-writer.ts";
import { createRandom } from "./random.ts";
import { findRecords, RecordWriter } from "./record-writer.ts";
import { entriesTable, findEntries, RowWriter } from "./row-writer.ts";
import type { Login } from "./row-writer.ts";
import type { Writer } from "./writer.ts";

/** Where rows are written: one table with a primary key, one without. */
const TABLES = [
  { database: "query", table: "keyed_entries", keyed: true },
  { database: "catalog", table: "loose_entries", keyed: false },
] as const;
const MINUTE = 60_000;

/** The shared side, or the tenant's own. */
export type Side = "platform" | "own";

export interface WorkersOptions {
  installation: Halves;
  slug: string;
  tenantId: string;
  seed: number;
}

/** Makes the tables on the shared server, once for all tenants. */
export async function createEntries(installation: Halves): Promise<void> {
  for (const { database, table, keyed } of TABLES)
    await onServer(installation, "platform", database, (client) => client.query(entriesTable(table, keyed)));
}

/** A tenant's writers. */
export class Workers {
  private readonly options: WorkersOptions;
  private readonly rows: readonly RowWriter[];
  private readonly blobs: BlobWriter;
  /** Undefined where the installation has no Kafka. */
  private readonly records: RecordWriter | undefined;
  private stopped: Promise<unknown> | undefined;

  private constructor(
    options: WorkersOptions,
    { rows, blobs, records }: { rows: RowWriter[]; blobs: BlobWriter; records: RecordWriter | undefined },
  ) {
    this.options = options;
    this.rows = rows;
    this.blobs = blobs;
    this.records = records;
  }

  static async start(options: WorkersOptions): Promise<Workers> {
    const { installation, slug, tenantId, seed } = options;
    const whereNow = await createLook(installation, slug);
    const role = await sharedRole(installation, slug);
    const login = async () => loginAt(installation, slug, role, await whereNow());
    const random = createRandom(seed).next;
    const rows = TABLES.map(
      ({ database, table }) => new RowWriter({ tenantId, database, table, login, random }),
    );
    const look = async () => placeOf(installation, slug, await whereNow());
    const blobs = new BlobWriter({ look, random: createRandom(seed + 1).next });
    // A session ends soon and looks again: nothing is gained by trying for long.
    const lookForTopics = async () => ({
      ...(await topicsOf(installation, slug, await whereNow())),
      retries: 3,
    });
    const records = namespaceOf(installation, "platform")
      ? new RecordWriter({ tenantId, look: lookForTopics, random: createRandom(seed + 2).next })
      : undefined;
    return new Workers(options, { rows, blobs, records });
  }

  async stop(): Promise<void> {
    this.stopped ??= Promise.all(this.all().map((writer) => writer.stop()));
    await this.stopped;
  }

  forgetGaps(): void {
    for (const writer of this.all()) writer.forgetGaps();
  }

  /** To be told before the cutover. */
  keepBlobs(): void {
    this.blobs.keepAll();
  }

  /** Of rows, which are what the freeze stops. */
  longestGapMs(): number {
    return Math.max(...this.rows.map(({ longestGapMs }) => longestGapMs));
  }

  counts(): { acknowledged: number; refused: number; unknown: number } {
    const sum = (of: "acknowledged" | "refused" | "unknown"): number =>
      this.all().reduce((total, { ledger }) => total + ledger[of], 0);
    return { acknowledged: sum("acknowledged"), refused: sum("refused"), unknown: sum("unknown") };
  }

  /** What is not on that side as it was confirmed, once nothing is written any more. */
  async differences(side: Side): Promise<string[]> {
    const { installation, slug, tenantId } = this.options;
    const rows = TABLES.map(async ({ database, table }, index) => {
      const found = await onServer(installation, nameOf(side, slug), database, (client) =>
        findEntries(client, table, tenantId),
      );
      return this.rows[index]!.ledger.differences(found).map((text) => `${table}: ${text}`);
    });
    const blobs = this.blobs.ledger.differences(await findBlobs(await placeOf(installation, slug, side)));
    return [
      ...(await Promise.all(rows)).flat(),
      ...blobs.map((text) => `blobs: ${text}`),
      ...(await this.recordDifferences(side)),
    ];
  }

  private async recordDifferences(side: Side): Promise<string[]> {
    if (this.records === undefined) return [];
    const { installation, slug, tenantId } = this.options;
    const { own, others } = await findRecords(await topicsOf(installation, slug, side), tenantId);
    const wrong = this.records.ledger.differences(own).map((text) => `records: ${text}`);
    if (side === "own" && others > 0) wrong.push(`${others} records in the tenant's own topic are another's`);
    return wrong;
  }

  /** The same while writing goes on: it rests meanwhile. */
  async differencesNow(side: Side): Promise<string[]> {
    for (const writer of this.all()) await writer.pause();
    try {
      return await this.differences(side);
    } finally {
      for (const writer of this.all()) writer.resume();
    }
  }

  /** What of the tenant is still in the shared stores, and what of others is in its own. */
  async misplaced(): Promise<string[]> {
    const { installation, slug, tenantId } = this.options;
    const wrong: string[] = [];
    for (const { database, table } of TABLES) {
      const left = await onServer(installation, "platform", database, (client) =>
        findEntries(client, table, tenantId),
      );
      if (left.length > 0) wrong.push(`${left.length} rows of ${table} are left on the shared server`);
      const strange = await onServer(installation, slug, database, async (client) => {
        const { rows } = await client.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM public.${table} WHERE tenant_id <> $1`,
          [tenantId],
        );
        return rows[0]!.n;
      });
      if (strange > 0) wrong.push(`${strange} rows of ${table} on the tenant's own server are another's`);
    }
    const { container, prefix } = await placeOf(installation, slug, "platform");
    const blobs = await container.list(prefix);
    if (blobs.length > 0) wrong.push(`${blobs.length} blobs are left in the shared account`);
    if (this.records) {
      const groups = await listGroups(await topicsOf(installation, slug, "own"));
      const left = groups.filter((group) => group.startsWith("tierlift."));
      if (left.length > 0) wrong.push(`groups of the mover are left: ${left.join(", ")}`);
    }
    return wrong;
  }

  private all(): Writer[] {
    return [...this.rows, this.blobs, ...(this.records ? [this.records] : [])];
  }
}

const nameOf = (side: Side, slug: string): string => (side === "own" ? slug : side);

/** Where a tenant's name leads to now, as a client finds out. */
async function createLook(installation: Halves, slug: string): Promise<() => Promise<Side>> {
  const { host, port } = installation.endpoints().dns;
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([`${host}:${port}`]);
  const look = async (): Promise<string> => (await resolver.resolve4(`api.${slug}.matih.ai`)).join();
  const before = await look();
  return async () => ((await look()) === before ? "platform" : "own");
}

async function placeOf(installation: Halves, slug: string, side: Side): Promise<BlobPlace> {
  if (side === "platform") return { container: await sharedContainer(installation), prefix: `${slug}/` };
  const container = await ownContainer(installation, slug);
  if (container === undefined) throw new Error(`there is no storage account of ${slug}`);
  return { container, prefix: "" };
}

async function topicsOf(installation: Halves, slug: string, side: Side): Promise<BaseOptions> {
  const namespace = namespaceOf(installation, nameOf(side, slug));
  if (namespace === undefined) throw new Error(`there is no event namespace of ${nameOf(side, slug)}`);
  return await planOptions(reachOf(installation), namespace, side === "own" ? "tenant" : "platform");
}

async function listGroups(options: BaseOptions): Promise<string[]> {
  const admin = new Admin(options);
  try {
    return [...(await admin.listGroups({})).keys()];
  } finally {
    await admin.close();
  }
}

/** How the tenant's services log in: as its own role on the shared server, as its own server's administrator there. */
function loginAt(
  installation: Halves,
  slug: string,
  role: { user: string; password: string },
  side: Side,
): Login {
  const { host, port, user, passwordFile } = serverOf(installation, nameOf(side, slug));
  const ca = readFileSync(installation.endpoints().ca, "utf8");
  if (side === "platform") return { host, port, ca, ...role };
  return { host, port, ca, user, password: readFileSync(passwordFile, "utf8").trim() };
}

/** As the services of the slice find it: in their namespace. */
async function sharedRole(installation: Halves, slug: string): Promise<{ user: string; password: string }> {
  const cluster = installation.endpoints().clusters.find(({ name }) => name.includes("platform"))!;
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const { data = {} } = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ name: STORE_SECRETS.postgres, namespace: `tenant-${slug}` });
  const read = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString("utf8");
  return { user: read("username"), password: read("password") };
}

export function serverOf(installation: Halves, name: string): Endpoints["postgres"][number] {
  const server = installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes(name));
  if (server === undefined) throw new Error(`there is no PostgreSQL server of ${name}`);
  return server;
}

/** Runs `work` as the administrator; a server that was just killed is waited for. */
async function onServer<T>(
  installation: Halves,
  name: string,
  database: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const server = serverOf(installation, name);
  const connect = async (): Promise<pg.Client | undefined> => {
    const client = new pg.Client({
      host: server.host,
      port: server.port,
      user: server.user,
      password: readFileSync(server.passwordFile, "utf8").trim(),
      database,
      ssl: { ca: readFileSync(installation.endpoints().ca, "utf8") },
      connectionTimeoutMillis: 5_000,
    });
    return await client.connect().then(
      () => client,
      () => undefined,
    );
  };
  const client = await until(connect, (found) => found !== undefined, MINUTE);
  try {
    return await work(client!);
  } finally {
    await client!.end();
  }
}
