import { beforeEach, describe, expect, it } from "vitest";
import type { Tenant, TierMigrationJob } from "../../automation/model.ts";
import { createMemoryStore } from "../../automation/store/memory-store.ts";
import { createApi, mintToken } from "../support/api.ts";
import type { Api } from "../support/api.ts";
import { activeTenant, ADMIN } from "../support/fake-world.ts";

const TENANTS = "/api/v1/tenants";
const DAY_MS = 24 * 60 * 60_000;
const tenant = (slug: string) => ({ name: slug, slug, adminEmail: `ada@${slug}.test` });

let api: Api;
let token: string;
beforeEach(async () => {
  api = createApi();
  await api.world.tierlift.start();
  token = await mintToken(["PLATFORM_ADMIN"]);
});

const post = (path: string, body: unknown, key: string, as = token, on = api) =>
  on.request(path, { method: "POST", token: as, body, headers: { "Idempotency-Key": key } });
const slugs = () => api.world.tierlift.tenants.list({ page: 1, size: 200 }).tenants.map(({ slug }) => slug);

describe("a POST with a key", () => {
  it("is answered again with what was answered, and done once", async () => {
    const first = await post(TENANTS, tenant("acme"), "k1");
    const again = await post(TENANTS, tenant("acme"), "k1");
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(await again.json()).toEqual(await first.json());
    expect(again.headers.get("Location")).toBe(first.headers.get("Location"));
    expect([first, again].map(({ headers }) => headers.get("Idempotency-Replayed"))).toEqual([null, "true"]);
    expect(again.headers.get("X-Request-Id")).not.toBe(first.headers.get("X-Request-Id"));
    expect(slugs()).toEqual(["acme"]);
  });

  it("is the same with and without the quotes of a structured field", async () => {
    const first = await post(TENANTS, tenant("acme"), '"k1"');
    expect(await (await post(TENANTS, tenant("acme"), "k1")).json()).toEqual(await first.json());
  });

  it("is refused for another body, and for another path", async () => {
    await post(TENANTS, tenant("acme"), "k1");
    const other = await post(TENANTS, tenant("globex"), "k1");
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
    const { id } = await activeTenant(api.world, "FREE", "initech");
    expect((await post(`${TENANTS}/${id}/provisioning/retry`, tenant("acme"), "k1")).status).toBe(422);
  });

  it("is refused while the first is under way, and answered after it", async () => {
    const store = createMemoryStore();
    const inner = { ...store.tenants };
    let reach = (): void => undefined;
    let release = (): void => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    store.tenants.create = async (document) => {
      reach();
      await released;
      return inner.create(document);
    };
    const slow = createApi({ store });
    const first = post(TENANTS, tenant("acme"), "k1", token, slow);
    await reached;
    const second = await post(TENANTS, tenant("acme"), "k1", token, slow);
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({ code: "IDEMPOTENCY_KEY_BUSY" });
    release();
    expect((await first).status).toBe(201);
    expect((await post(TENANTS, tenant("acme"), "k1", token, slow)).status).toBe(201);
  });

  it("is answered again with a conflict too", async () => {
    const { id } = await activeTenant(api.world);
    const job = await api.world.tierlift.migrations.initiate(id, "PROFESSIONAL", ADMIN);
    const path = `/api/v1/migrations/tenants/${id}/upgrade-tier`;
    expect((await post(path, { targetTier: "ENTERPRISE" }, "k1")).status).toBe(409);
    await api.world.tierlift.migrations.cancel(job.id, "not now", ADMIN);
    const again = await post(path, { targetTier: "ENTERPRISE" }, "k1");
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: "MIGRATION_ACTIVE" });
  });

  it("may be corrected after it was refused", async () => {
    expect((await post(TENANTS, { ...tenant("acme"), slug: "A" }, "k1")).status).toBe(400);
    expect((await post(TENANTS, tenant("acme"), "k1")).status).toBe(201);
  });

  it("belongs to the one who asks", async () => {
    const { id } = await activeTenant(api.world);
    const path = `/api/v1/migrations/tenants/${id}/upgrade-tier`;
    const body = { targetTier: "PROFESSIONAL" };
    const first = (await (await post(path, body, "k1")).json()) as TierMigrationJob;
    const stranger = await mintToken(["TENANT_ADMIN"], "00000000-0000-4000-8000-ffffffffffff");
    expect((await post(path, body, "k1", stranger)).status).toBe(403);
    const own = await mintToken(["TENANT_ADMIN"], id);
    const second = await post(path, body, "k1", own);
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({
      code: "MIGRATION_ACTIVE",
      detail: expect.stringContaining(first.id) as string,
    });
  });

  it("is free again after a day", async () => {
    await post(TENANTS, tenant("acme"), "k1");
    api.world.clock.advance(DAY_MS - 1);
    expect((await post(TENANTS, tenant("acme"), "k1")).status).toBe(201);
    api.world.clock.advance(1);
    expect((await post(TENANTS, tenant("globex"), "k1")).status).toBe(201);
  });

  it.each(["", "x".repeat(256), "two words", "ümlaut"])("is refused with the key %j", async (key) => {
    expect((await post(TENANTS, tenant("acme"), key)).status).toBe(400);
    expect(slugs()).toEqual([]);
  });

  it("is answered again by a service that was started anew", async () => {
    const store = createMemoryStore();
    const [before, after] = [createApi({ store }), createApi({ store })];
    const first = (await (await post(TENANTS, tenant("acme"), "k1", token, before)).json()) as Tenant;
    const again = (await (await post(TENANTS, tenant("acme"), "k1", token, after)).json()) as Tenant;
    expect(again).toEqual(first);
  });
});

it("keeps no answer longer than it is good for", async () => {
  await post(TENANTS, tenant("acme"), "k1");
  expect(api.world.store.answers.list()).toHaveLength(1);
  api.world.clock.advance(DAY_MS);
  await post(TENANTS, tenant("globex"), "k2");
  expect(api.world.store.answers.list()).toHaveLength(1);
});

it("does a POST without a key each time", async () => {
  await api.post(TENANTS, token, tenant("acme"));
  expect((await api.post(TENANTS, token, tenant("acme"))).status).toBe(409);
});
