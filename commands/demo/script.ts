/** The demo as a client's script: two tenants with data in every store, one of them upgraded, and a look at what became of both. */
import type { Tenant } from "../../automation/model.ts";
import { openShared, writeBlobs } from "./blobs.ts";
import {
  checkAddress,
  checkBlobs,
  checkKeys,
  checkRecords,
  checkRows,
  checkTenant,
  describeBlobs,
  describeKeys,
  printRows,
} from "./checks.ts";
import { writeKeys } from "./keys.ts";
import { countRecords, writeRecords, type Namespace, type RecordCounts } from "./records.ts";
import { countRows, createTables, writeRows } from "./rows.ts";
import { askDns, type Stage } from "./stage.ts";
import { createTenant } from "./tenant.ts";
import { upgrade } from "./upgrade.ts";

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
