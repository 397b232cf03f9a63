/** The demo as a client's script: two tenants with data in every store, one of them upgraded, and a look at what became of both. */
import type { Tenant } from "../../automation/model.ts";
import type { Client } from "../../cli/client.ts";
import { CommandError } from "../command-line.ts";
import { countBlobs, openOwn, openShared, writeBlobs, type Account, type BlobCounts } from "./blobs.ts";
import type { Container } from "./container.ts";
import { countKeys, writeKeys, type Cache, type KeyCounts } from "./keys.ts";
import { countRecords, writeRecords, type Namespace, type RecordCounts } from "./records.ts";
import { countRows, createTables, writeRows, type RowCounts, type Server } from "./rows.ts";
import { askDns, type Stage } from "./stage.ts";
import { createTenant } from "./tenant.ts";
import { upgrade, type Upgraded } from "./upgrade.ts";

/** Main objects of each service; every one brings about ten rows more. Half as many are reports among the blobs, and keys of each kind. */
const SIZES = { acme: 40, globex: 10 };

/** Plays the whole demo. Rejects with a CommandError that says what is not as it should be. */
export async function playDemo(stage: Stage): Promise<void> {
  const { print } = stage;
  const admin = await stage.clientOf({ subject: "operator", roles: ["PLATFORM_ADMIN"] });

  print("\n1. Two STARTER tenants on the shared cluster");
  const [acme, globex] = await Promise.all([
    createTenant(stage, admin, "acme", "Acme Corporation"),
    createTenant(stage, admin, "globex", "Globex"),
  ]);

  print("\n2. Rows, blobs, keys and records of both in the shared stores");
  const { ca, postgres, blobs, cache, kafka } = await stage.endpoints();
  const shared = postgres[0]!;
  await createTables(shared, ca);
  await writeRows(shared, ca, acme.id, SIZES.acme);
  await writeRows(shared, ca, globex.id, SIZES.globex);
  const before = await countRows(shared, ca);
  printRows(stage, "shared", before, { acme, globex });
  const account = blobs[0]!;
  const container = await openShared(stage, account);
  const written = {
    acme: await writeBlobs(container, "acme", SIZES.acme / 2),
    globex: await writeBlobs(container, "globex", SIZES.globex / 2),
  };
  print(`  shared    acme ${describeBlobs(written.acme)}, globex ${describeBlobs(written.globex)}`);

  const sharedCache = cache?.[0];
  const keys = sharedCache && {
    acme: await writeKeys(sharedCache, ca, "acme", SIZES.acme / 2),
    globex: await writeKeys(sharedCache, ca, "globex", SIZES.globex / 2),
  };
  if (keys) print(`  shared    acme ${describeKeys(keys.acme)}, globex ${describeKeys(keys.globex)}`);

  const topics = kafka?.[0];
  const records = topics && (await produceRecords(stage, topics, acme, globex));

  print("\n3. acme is upgraded to PROFESSIONAL");
  const name = `api.acme.${stage.zone}`;
  const addressBefore = await askDns(stage, name);
  print(`  ${name} → ${addressBefore}, the shared ingress`);
  const upgraded = await upgrade(stage, admin, acme);

  print("\n4. What became of it");
  await checkAddress(stage, name, addressBefore);
  await checkRows(stage, { shared, before, acme, globex, upgraded });
  await checkBlobs(stage, { account, container, written, upgraded });
  if (sharedCache && keys) await checkKeys(stage, { shared: sharedCache, written: keys, upgraded });
  if (topics && records) await checkRecords(stage, { topics, records, upgraded, acme, globex });
  for (const reason of stage.absent) print(`  ran without a store: ${reason}`);
  await checkTenant(stage, admin, acme.id);
}

async function checkAddress(stage: Stage, name: string, before: string): Promise<void> {
  const after = await askDns(stage, name);
  if (after === before) throw new CommandError(`${name} still answers ${before}`);
  stage.print(`  ${name} → ${after}, the dedicated ingress (before: ${before})`);
}

interface Rows {
  shared: Server;
  before: RowCounts;
  acme: Tenant;
  globex: Tenant;
  upgraded: Upgraded;
}

async function checkRows(stage: Stage, { shared, before, acme, globex, upgraded }: Rows): Promise<void> {
  const { ca, postgres } = await stage.endpoints();
  const dedicated = postgres.find(({ resourceId }) => resourceId !== shared.resourceId);
  if (!dedicated) throw new CommandError("acme has no PostgreSQL server of its own");
  const left = await countRows(shared, ca);
  const moved = await countRows(dedicated, ca);
  printRows(stage, "shared", left, { acme, globex });
  printRows(stage, "dedicated", moved, { acme, globex });
  const { copied, verified } = upgraded;
  if (!copied.rows) throw new CommandError("the copy of the rows told nothing of itself");
  const rate = Math.round(copied.rows.rows / Math.max(copied.rows.seconds, 0.001));
  stage.print(
    `            found ${(before.tenants.get(acme.id) ?? 0) + before.reference}, moved ${copied.rows.rows} ` +
      `in ${copied.rows.seconds.toFixed(1)} s (${rate} rows/s), verified ${verified.rows}`,
  );
  const expected: [string, number | undefined, number | undefined][] = [
    ["rows of acme on the shared server", left.tenants.get(acme.id) ?? 0, 0],
    ["rows of globex on the shared server", left.tenants.get(globex.id), before.tenants.get(globex.id)],
    ["rows of acme on the dedicated server", moved.tenants.get(acme.id), before.tenants.get(acme.id)],
    ["tenants on the dedicated server", moved.tenants.size, 1],
    ["reference rows on the dedicated server", moved.reference, before.reference],
  ];
  for (const [what, found, wanted] of expected)
    if (found !== wanted) throw new CommandError(`${what}: ${found ?? 0} found, ${wanted ?? 0} expected`);
}

interface Blobs {
  account: Account;
  container: Container;
  written: Record<"acme" | "globex", BlobCounts>;
  upgraded: Upgraded;
}

async function checkBlobs(stage: Stage, { account, container, written, upgraded }: Blobs): Promise<void> {
  const { blobs } = await stage.endpoints();
  const dedicated = blobs.find(({ resourceId }) => resourceId !== account.resourceId);
  if (!dedicated) throw new CommandError("acme has no storage account of its own");
  const [left, other, moved] = await Promise.all([
    countBlobs(container, "acme/"),
    countBlobs(container, "globex/"),
    countBlobs(await openOwn(stage, dedicated), ""),
  ]);
  const copied = upgraded.copied.blobs;
  const verified = upgraded.verified.blobs;
  if (!copied) throw new CommandError("the copy of the blobs told nothing of itself");
  const rate = megabytes(copied.bytes / Math.max(copied.seconds, 0.001));
  stage.print(`  shared    acme ${describeBlobs(left)}, globex ${describeBlobs(other)}`);
  stage.print(
    `  dedicated acme ${describeBlobs(moved)}: found ${written.acme.blobs}, moved ${copied.blobs} ` +
      `in ${copied.seconds.toFixed(1)} s (${rate} MB/s), verified ${verified}`,
  );
  const expected: [string, BlobCounts, BlobCounts][] = [
    ["blobs of acme in the shared account", left, { blobs: 0, bytes: 0 }],
    ["blobs of globex in the shared account", other, written.globex],
    ["blobs of acme in its own account", moved, written.acme],
  ];
  for (const [what, found, wanted] of expected)
    if (found.blobs !== wanted.blobs || found.bytes !== wanted.bytes)
      throw new CommandError(`${what}: ${describeBlobs(found)} found, ${describeBlobs(wanted)} expected`);
}

interface Keys {
  shared: Cache;
  written: Record<"acme" | "globex", KeyCounts>;
  upgraded: Upgraded;
}

async function checkKeys(stage: Stage, { shared, written, upgraded }: Keys): Promise<void> {
  const { ca, cache = [] } = await stage.endpoints();
  const dedicated = cache.find(({ resourceId }) => resourceId !== shared.resourceId);
  if (!dedicated) throw new CommandError("acme has no cache of its own");
  const [left, other, moved] = await Promise.all([
    countKeys(shared, ca, "tenant:acme:"),
    countKeys(shared, ca, "tenant:globex:"),
    countKeys(dedicated, ca, ""),
  ]);
  const { copied, verified } = upgraded;
  const warmed = copied.keys;
  if (!warmed) throw new CommandError("the warming of the cache told nothing of itself");
  if (warmed.problem !== undefined) throw new CommandError(`the cache was not warmed: ${warmed.problem}`);
  const rate = Math.round(warmed.keys / Math.max(warmed.seconds, 0.001));
  stage.print(`  shared    acme ${describeKeys(left)}, globex ${describeKeys(other)}`);
  stage.print(
    `  dedicated acme ${describeKeys(moved)}: found ${written.acme.keys}, moved ${warmed.keys} ` +
      `in ${warmed.seconds.toFixed(2)} s (${rate} keys/s), verified ${verified.keys}`,
  );
  const expected: [string, KeyCounts, KeyCounts][] = [
    ["keys of acme in the shared cache", left, { keys: 0, expiring: 0 }],
    ["keys of globex in the shared cache", other, written.globex],
    ["keys in acme's own cache", moved, written.acme],
  ];
  for (const [what, found, wanted] of expected)
    if (found.keys !== wanted.keys || found.expiring !== wanted.expiring)
      throw new CommandError(`${what}: ${describeKeys(found)} found, ${describeKeys(wanted)} expected`);
}

const describeKeys = ({ keys, expiring }: KeyCounts): string => `${keys} keys (${expiring} of them end)`;

type Produced = Record<"acme" | "globex", RecordCounts>;

async function produceRecords(
  stage: Stage,
  topics: Namespace,
  acme: Tenant,
  globex: Tenant,
): Promise<Produced> {
  for (const [{ id }, count] of [
    [acme, SIZES.acme * 30],
    [globex, SIZES.globex * 30],
  ] as const)
    await writeRecords(stage, topics, id, count);
  const counted = {
    acme: await countRecords(stage, topics, "platform", acme.id),
    globex: await countRecords(stage, topics, "platform", globex.id),
  };
  stage.print(`  shared    acme ${counted.acme.records} records, globex ${counted.globex.records} records`);
  return counted;
}

interface Records {
  topics: Namespace;
  records: Produced;
  upgraded: Upgraded;
  acme: Tenant;
  globex: Tenant;
}

async function checkRecords(
  stage: Stage,
  { topics, records, upgraded, acme, globex }: Records,
): Promise<void> {
  const { kafka = [] } = await stage.endpoints();
  const own = kafka.find(({ resourceId }) => resourceId !== topics.resourceId);
  if (!own) throw new CommandError("acme has no event namespace of its own");
  const left = await countRecords(stage, topics, "platform", acme.id);
  const other = await countRecords(stage, topics, "platform", globex.id);
  const moved = await countRecords(stage, own, "tenant", acme.id);
  const foreign = await countRecords(stage, own, "tenant", globex.id);
  const copied = upgraded.copied.records;
  if (!copied) throw new CommandError("the copy of the records told nothing of itself");
  const rate = Math.round(copied.records / Math.max(copied.seconds, 0.001));
  stage.print(
    `  shared    globex ${other.records} records; acme ${left.records}, which leave by their age: Kafka deletes no single ones`,
  );
  stage.print(
    `  dedicated acme ${moved.records} records: found ${records.acme.records}, moved ${copied.records} ` +
      `in ${copied.seconds.toFixed(1)} s (${rate} records/s), verified ${upgraded.verified.records}`,
  );
  const expected: [string, RecordCounts, RecordCounts][] = [
    ["records of globex in the shared namespace", other, records.globex],
    ["records of acme in its own namespace", moved, records.acme],
  ];
  for (const [what, found, wanted] of expected)
    if (found.records !== wanted.records || found.digest !== wanted.digest)
      throw new CommandError(`${what}: ${found.records} found, ${wanted.records} expected`);
  if (foreign.records > 0)
    throw new CommandError(`acme's own namespace holds ${foreign.records} records of globex`);
}

const describeBlobs = ({ blobs, bytes }: BlobCounts): string => `${blobs} blobs (${megabytes(bytes)} MB)`;

const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

function printRows(
  { print }: Stage,
  side: string,
  { tenants, reference }: RowCounts,
  { acme, globex }: Pick<Rows, "acme" | "globex">,
) {
  const of = ({ id }: Tenant) => tenants.get(id) ?? 0;
  print(`  ${side.padEnd(9)} acme ${of(acme)} rows, globex ${of(globex)} rows, reference ${reference} rows`);
}

async function checkTenant({ print }: Stage, admin: Client, id: string): Promise<void> {
  const { tier, status, limits } = await admin.get<Tenant>(`/api/v1/tenants/${id}`);
  if (tier !== "PROFESSIONAL" || status !== "ACTIVE") throw new CommandError(`acme is ${tier} and ${status}`);
  print(
    `  acme is ${tier} and ${status}: ${limits.maxUsers} users, ${limits.maxConnections} connections, ${limits.storageGb} GB`,
  );
}
