import { beforeEach, describe, expect, it } from "vitest";
import type { Tenant, TierMigrationJob } from "../../automation/model.ts";
import { createApi, mintToken } from "../support/api.ts";
import type { Api } from "../support/api.ts";
import { activeTenant, ADMIN, arrival } from "../support/fake-world.ts";

const MIGRATIONS = "/api/v1/migrations";
const TENANTS = "/api/v1/tenants";

let api: Api;
let token: string;
beforeEach(async () => {
  api = createApi();
  await api.world.tierlift.start();
  token = await mintToken(["PLATFORM_ADMIN"]);
});

const get = (path: string) => api.get(path, token);

/** Three tenants, of which the first has one migration that was cancelled and one that is active. */
async function threeTenants(): Promise<[Tenant, Tenant, Tenant]> {
  return [
    await activeTenant(api.world, "STARTER", "bravo"),
    await activeTenant(api.world, "FREE", "alpha"),
    await activeTenant(api.world, "STARTER", "charlie"),
  ];
}

async function migrationsOf(tenantId: string): Promise<[string, string]> {
  const { migrations } = api.world.tierlift;
  const first = await migrations.initiate(tenantId, "PROFESSIONAL", ADMIN);
  await migrations.cancel(first.id, "not yet", ADMIN);
  await arrival(api.world, first.id, "CANCELLED");
  api.world.clock.advance(1000);
  const second = await migrations.initiate(tenantId, "ENTERPRISE", ADMIN);
  return [first.id, second.id];
}

const slugs = async (query: string) =>
  ((await (await get(`${TENANTS}?${query}`)).json()) as { tenants: Tenant[] }).tenants.map(
    ({ slug }) => slug,
  );

describe("the list of tenants", () => {
  it.each([
    ["sort=slug", ["alpha", "bravo", "charlie"]],
    ["sort=-slug", ["charlie", "bravo", "alpha"]],
    ["tier=STARTER&sort=slug", ["bravo", "charlie"]],
    ["slug=alpha", ["alpha"]],
    ["region=northeurope", []],
    ["status=DELETED", []],
    ["sort=slug&size=2&page=2", ["charlie"]],
    ["size=2&page=9", []],
  ])("is found by ?%s", async (query, expected) => {
    await threeTenants();
    expect(await slugs(query)).toEqual(expected);
  });

  it("tells of its size and of the pages around", async () => {
    await threeTenants();
    const { headers } = await get(`${TENANTS}?size=1&page=2&sort=slug`);
    expect(headers.get("X-Total-Count")).toBe("3");
    expect(headers.get("Link")?.split(", ")).toEqual([
      `<${TENANTS}?size=1&page=1&sort=slug>; rel="first"`,
      `<${TENANTS}?size=1&page=1&sort=slug>; rel="prev"`,
      `<${TENANTS}?size=1&page=3&sort=slug>; rel="next"`,
      `<${TENANTS}?size=1&page=3&sort=slug>; rel="last"`,
    ]);
  });

  it.each([
    "page=0",
    "page=1000001",
    "size=0",
    "size=201",
    "page=1.5",
    "page=x",
    "sort=secret",
    "tier=GOLD",
    "region=%20",
  ])("refuses ?%s", async (query) => {
    expect((await get(`${TENANTS}?${query}`)).status).toBe(400);
  });
});

describe("the list of migrations", () => {
  it("is an array of the active ones", async () => {
    const [{ id }] = await threeTenants();
    const [, active] = await migrationsOf(id);
    const response = await get(MIGRATIONS);
    expect(((await response.json()) as TierMigrationJob[]).map((job) => job.id)).toEqual([active]);
    expect(response.headers.get("X-Total-Count")).toBe("1");
    expect(response.headers.get("Link")).toBeNull();
  });

  it.each([
    ["scope=all", [0, 1]],
    ["scope=all&sort=-initiatedAt", [1, 0]],
    ["scope=ended", [0]],
    ["status=CANCELLED", [0]],
    ["status=CANCELLED&scope=active", []],
    ["scope=all&targetTier=ENTERPRISE", [1]],
    ["scope=all&sourceTier=FREE", []],
    ["scope=all&tenantId=other", []],
    ["scope=all&size=1&page=2", [1]],
  ])("is found by ?%s", async (query, expected) => {
    const [{ id }] = await threeTenants();
    const ids = await migrationsOf(id);
    const found = (await (await get(`${MIGRATIONS}?${query}`)).json()) as TierMigrationJob[];
    expect(found.map((job) => ids.indexOf(job.id))).toEqual(expected);
  });
});

describe("a tenant's history", () => {
  it("is ordered by initiation, and the other way round when asked", async () => {
    const [{ id }] = await threeTenants();
    const [first, second] = await migrationsOf(id);
    const history = async (query: string) =>
      ((await (await get(`${MIGRATIONS}/tenants/${id}/history${query}`)).json()) as TierMigrationJob[]).map(
        (job) => job.id,
      );
    expect(await history("")).toEqual([first, second]);
    expect(await history("?sort=-initiatedAt")).toEqual([second, first]);
    expect(await history("?size=1")).toEqual([first]);
  });

  it.each([
    ["initiatedAfter=2026-01-01T00:00:00Z", 2],
    ["initiatedAfter=2026-01-01T01:00:00%2B01:00", 2],
    ["initiatedAfter=2027-01-01T00:00:00Z", 0],
    ["initiatedBefore=2026-01-01T00:00:00Z", 0],
    ["initiatedBefore=2027-01-01T00:00:00Z", 2],
  ])("is found by ?%s, as the list of all is", async (query, expected) => {
    const [{ id }] = await threeTenants();
    await migrationsOf(id);
    for (const path of [`${MIGRATIONS}/tenants/${id}/history?`, `${MIGRATIONS}?scope=all&`]) {
      expect(await (await get(path + query)).json()).toHaveLength(expected);
    }
  });

  it("refuses a time that is none", async () => {
    expect((await get(`${MIGRATIONS}?initiatedAfter=yesterday`)).status).toBe(400);
  });
});
