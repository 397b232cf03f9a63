import { beforeEach, describe, expect, it } from "vitest";
import type { Tenant } from "../../automation/model.ts";
import type { Problem } from "../../api/problems.ts";
import { createApi, mintToken } from "../support/api.ts";
import type { Api } from "../support/api.ts";
import { until } from "../support/fake-world.ts";

const TENANT = {
  name: "Acme",
  slug: "acme",
  tier: "STARTER",
  region: "westeurope",
  adminEmail: "ada@acme.test",
};

let api: Api;
let token: string;
beforeEach(async () => {
  api = createApi();
  await api.world.tierlift.start();
  token = await mintToken(["PLATFORM_ADMIN"]);
});

const created = async () => (await (await api.post("/api/v1/tenants", token, TENANT)).json()) as Tenant;

describe("a tenant", () => {
  it("is there at once and ACTIVE when its slice stands", async () => {
    const response = await api.post("/api/v1/tenants", token, TENANT);
    expect(response.status).toBe(201);
    const tenant = (await response.json()) as Tenant;
    expect(tenant).toMatchObject({ ...TENANT, status: "PROVISIONING" });
    expect(response.headers.get("Location")).toBe(`/api/v1/tenants/${tenant.id}`);
    const statusNow = () => api.world.tierlift.tenants.get(tenant.id).status;
    await until(api.world, tenant.id, () => statusNow() === "ACTIVE");
    const later = await api.get(`/api/v1/tenants/${tenant.id}`, token);
    expect(await later.json()).toMatchObject({ status: "ACTIVE", limits: { maxUsers: 25 } });
  });

  it("is refused when its slug is taken", async () => {
    await created();
    const again = await api.post("/api/v1/tenants", token, TENANT);
    expect(again.status).toBe(409);
    expect((await again.json()) as Problem).toMatchObject({ code: "SLUG_TAKEN" });
  });

  it.each([
    ["name", ""],
    ["slug", "A"],
    ["slug", "-acme"],
    ["tier", "GOLD"],
    ["region", "West Europe"],
    ["adminEmail", "nobody"],
  ])("is refused with a bad %s: %j", async (field, value) => {
    const response = await api.post("/api/v1/tenants", token, { ...TENANT, [field]: value });
    expect(response.status).toBe(400);
    expect(((await response.json()) as Problem).errors?.[0]?.field).toBe(field);
  });

  it("may be made by a platform administrator only", async () => {
    expect((await api.post("/api/v1/tenants", await mintToken(["ADMIN"]), TENANT)).status).toBe(403);
  });

  it("is seen by its own administrator, not by another's", async () => {
    const { id } = await created();
    expect((await api.get(`/api/v1/tenants/${id}`, await mintToken(["TENANT_ADMIN"], id))).status).toBe(200);
    expect((await api.get(`/api/v1/tenants/${id}`, await mintToken(["TENANT_ADMIN"], "other"))).status).toBe(
      403,
    );
  });

  it("is deleted only when its slug is repeated", async () => {
    const { id } = await created();
    await until(api.world, id, () => api.world.tierlift.tenants.get(id).status === "ACTIVE");
    const path = `/api/v1/tenants/${id}`;
    expect((await api.request(path, { method: "DELETE", token })).status).toBe(400);
    expect((await api.request(`${path}?confirm=globex`, { method: "DELETE", token })).status).toBe(400);
    expect((await api.request(`${path}?confirm=acme`, { method: "DELETE", token })).status).toBe(202);
    await until(api.world, id, () => api.world.tierlift.tenants.get(id).status === "DELETED");
  });
});
