/** What the demo looks at in the end, store by store: each rejects with a CommandError that says what is not as it should be. */
import type { Tenant } from "../../automation/model.ts";
import type { Client } from "../../cli/client.ts";
import { CommandError } from "../command-line.ts";
import { countBlobs, openOwn, type Account, type BlobCounts } from "./blobs.ts";
import type { Container } from "./container.ts";
import { countKeys, type Cache, type KeyCounts } from "./keys.ts";
import { countRecords, type Namespace, type RecordCounts } from "./records.ts";
import { countRows, type RowCounts, type Server } from "./rows.ts";
import { askDns, type Stage } from "./stage.ts";
import type { Upgraded } from "./upgrade.ts";

export async function checkAddress(stage: Stage, name: string, before: string): Promise<void> {
  const after = await askDns(stage, name);
  if (after === before) throw new CommandError(`${name} still answers ${before}`);
  stage.print(`  ${name} → ${after}, the dedicated ingress (before: ${before})`);
}

export interface Rows {
  shared: Server;
  before: RowCounts;
  acme: Tenant;
  globex: Tenant;
  upgraded: Upgraded;
}

export async function checkRows(
  stage: Stage,
  { shared, before, acme, globex, upgraded }: Rows,
): Promise<void> {
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

export interface Blobs {
  account: Account;
  container: Container;
  written: Record<"acme" | "globex", BlobCounts>;
  upgraded: Upgraded;
}

export async function checkBlobs(
  stage: Stage,
  { account, container, written, upgraded }: Blobs,
): Promise<void> {
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

export interface Keys {
  shared: Cache;
  written: Record<"acme" | "globex", KeyCounts>;
  upgraded: Upgraded;
}

export async function checkKeys(stage: Stage, { shared, written, upgraded }: Keys): Promise<void> {
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

export const describeKeys = ({ keys, expiring }: KeyCounts): string =>
  `${keys} keys (${expiring} of them end)`;

export interface Records {
  topics: Namespace;
  records: Record<"acme" | "globex", RecordCounts>;
  upgraded: Upgraded;
  acme: Tenant;
  globex: Tenant;
}

export async function checkRecords(
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

export const describeBlobs = ({ blobs, bytes }: BlobCounts): string =>
  `${blobs} blobs (${megabytes(bytes)} MB)`;

const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

export function printRows(
  { print }: Stage,
  side: string,
  { tenants, reference }: RowCounts,
  { acme, globex }: Pick<Rows, "acme" | "globex">,
) {
  const of = ({ id }: Tenant) => tenants.get(id) ?? 0;
  print(`  ${side.padEnd(9)} acme ${of(acme)} rows, globex ${of(globex)} rows, reference ${reference} rows`);
}

export async function checkTenant({ print }: Stage, admin: Client, id: string): Promise<void> {
  const { tier, status, limits } = await admin.get<Tenant>(`/api/v1/tenants/${id}`);
  if (tier !== "PROFESSIONAL" || status !== "ACTIVE") throw new CommandError(`acme is ${tier} and ${status}`);
  print(
    `  acme is ${tier} and ${status}: ${limits.maxUsers} users, ${limits.maxConnections} connections, ${limits.storageGb} GB`,
  );
}
