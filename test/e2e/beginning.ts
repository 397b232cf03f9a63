/** How stories begin: a tenant on its slice, with rows, blobs and keys in the shared stores. */
import { writeBlobs } from "../../commands/demo/blobs.ts";
import { writeKeys } from "../../commands/demo/keys.ts";
import { createTables, writeRows } from "../../commands/demo/rows.ts";
import type { SharedTier } from "../../stacks/spec.ts";
import type { Installation } from "./installation.ts";
import { Story } from "./migration.ts";
import { cacheOf, lookAt, sharedContainer } from "./world.ts";
import type { World } from "./world.ts";

const ROWS = 20;
const REPORTS = 5;

export interface Beginning {
  story: Story;
  tenantId: string;
  /** Before the tenant, and with it on its slice. */
  empty: World;
  before: World;
}

export async function beginWith(
  installation: Installation,
  slug: string,
  tier: SharedTier,
): Promise<Beginning> {
  await installation.start();
  const story = new Story(installation, await installation.token(["PLATFORM_ADMIN"]));
  const { ca, postgres } = installation.endpoints();
  const shared = postgres.find(({ resourceId }) => resourceId.includes("platform"))!;
  await createTables(shared, ca);
  const empty = await lookAt(installation, slug);
  const tenantId = await story.createTenant(slug, tier);
  await writeRows(shared, ca, tenantId, ROWS);
  await writeBlobs(await sharedContainer(installation), slug, REPORTS);
  const cache = cacheOf(installation);
  if (cache) await writeKeys(cache, ca, slug, REPORTS);
  return { story, tenantId, empty, before: await lookAt(installation, slug) };
}

/** Seconds since a moment of `performance.now()`, for what stories print. */
export const secondsSince = (startedMs: number): string =>
  ((performance.now() - startedMs) / 1000).toFixed(1);
