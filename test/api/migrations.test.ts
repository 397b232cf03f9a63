import { beforeEach, describe, expect, it } from "vitest";
import type { TierMigrationJob } from "../../automation/model.ts";
import type { Problem } from "../../api/problems.ts";
import { createApi, mintToken } from "../support/api.ts";
import type { Api } from "../support/api.ts";
import { activeTenant, arrival, CREDENTIALS, CUTOVER, PATIENT_MS, underWay } from "../support/fake-world.ts";

const BASE = "/api/v1/migrations";
const UNKNOWN = "00000000-0000-4000-8000-ffffffffffff";

let api: Api;
let platformAdmin: string;
beforeEach(async () => {
  api = createApi();
  await api.world.tierlift.start();
  platformAdmin = await mintToken(["PLATFORM_ADMIN"]);
});

const problemOf = async (response: Response): Promise<Problem> => {
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  return (await response.json()) as Problem;
};
const jobOf = async (response: Response) => (await response.json()) as TierMigrationJob;

async function initiated() {
  const tenant = await activeTenant(api.world);
  const tenantAdmin = await mintToken(["TENANT_ADMIN"], tenant.id);
  const response = await api.post(`${BASE}/tenants/${tenant.id}/upgrade-tier`, tenantAdmin, {
    targetTier: "PROFESSIONAL",
  });
  return { tenant, tenantAdmin, response };
}

describe("upgrade-tier", () => {
  it("answers 201 with the job and where it is", async () => {
    const { tenant, response } = await initiated();
    expect(response.status).toBe(201);
    const job = await jobOf(response);
    expect(job).toMatchObject({
      tenantId: tenant.id,
      sourceTier: "STARTER",
      targetTier: "PROFESSIONAL",
      status: "INITIATED",
      initiatedBy: "someone",
    });
    expect(response.headers.get("Location")).toBe(`${BASE}/${job.id}`);
  });

  it("refuses a second migration while one is active", async () => {
    const { tenant, tenantAdmin } = await initiated();
    const again = await api.post(`${BASE}/tenants/${tenant.id}/upgrade-tier`, tenantAdmin, {
      targetTier: "ENTERPRISE",
    });
    expect(again.status).toBe(409);
    expect(await problemOf(again)).toMatchObject({ code: "MIGRATION_ACTIVE" });
  });

  it.each([
    ["no body", undefined, "targetTier"],
    ["an unknown tier", { targetTier: "GOLD" }, "targetTier"],
    ["no JSON", "targetTier=PROFESSIONAL", "body"],
    ["a list", [], "body"],
  ])("names the field at fault for %s", async (_name, body, field) => {
    const { id } = await activeTenant(api.world);
    const response = await api.post(`${BASE}/tenants/${id}/upgrade-tier`, platformAdmin, body);
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.map((error) => error.field)).toEqual([field]);
  });
});

describe("who may ask", () => {
  it("is asked for a token", async () => {
    const response = await api.get(BASE, undefined);
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toContain("Bearer");
    expect(await problemOf(response)).toMatchObject({ code: "UNAUTHENTICATED", status: 401 });
  });

  it.each(["", "/stats"])("is a platform administrator for GET /migrations%s", async (path) => {
    expect((await api.get(BASE + path, await mintToken(["ADMIN"]))).status).toBe(403);
    expect((await api.get(BASE + path, platformAdmin)).status).toBe(200);
  });

  it("is a platform administrator for validate-payment", async () => {
    const { tenantAdmin, response } = await initiated();
    const { id } = await jobOf(response);
    expect((await api.post(`${BASE}/${id}/validate-payment`, tenantAdmin)).status).toBe(403);
    const validated = await api.post(`${BASE}/${id}/validate-payment`, platformAdmin);
    expect(validated.status).toBe(200);
    expect(await jobOf(validated)).toMatchObject({ status: "PAYMENT_VALIDATED" });
  });

  it("sees another tenant's job as absent, and a role that manages nothing is refused first", async () => {
    const { response } = await initiated();
    const { id } = await jobOf(response);
    const stranger = await mintToken(["TENANT_ADMIN"], UNKNOWN);
    const foreign = await api.get(`${BASE}/${id}`, stranger);
    const absent = await api.get(`${BASE}/${UNKNOWN}`, stranger);
    expect([foreign.status, absent.status]).toEqual([404, 404]);
    const [one, other] = [await problemOf(foreign), await problemOf(absent)];
    expect(one.code).toBe(other.code);
    expect((await api.get(`${BASE}/${id}`, await mintToken(["USER"]))).status).toBe(403);
  });

  it.each(["submit-credentials", "complete-verification", "rollback", "cancel", "retry"])(
    "finds no foreign job for %s",
    async (command) => {
      const { response } = await initiated();
      const { id } = await jobOf(response);
      const stranger = await mintToken(["TENANT_ADMIN"], UNKNOWN);
      expect(
        (await api.post(`${BASE}/${id}/${command}`, stranger, { reason: "x", ...CREDENTIALS })).status,
      ).toBe(404);
    },
  );
});

describe("submit-credentials", () => {
  it.each(Object.keys(CREDENTIALS))("wants %s filled", async (field) => {
    const { tenantAdmin, response } = await initiated();
    const { id } = await jobOf(response);
    const blank = await api.post(`${BASE}/${id}/submit-credentials`, tenantAdmin, {
      ...CREDENTIALS,
      [field]: "  ",
    });
    expect(blank.status).toBe(400);
    expect((await problemOf(blank)).errors).toEqual([{ field, message: "must not be blank" }]);
  });

  it("is refused before the payment is validated, naming both states", async () => {
    const { tenantAdmin, response } = await initiated();
    const { id } = await jobOf(response);
    const early = await api.post(`${BASE}/${id}/submit-credentials`, tenantAdmin, CREDENTIALS);
    expect(early.status).toBe(409);
    const { detail } = await problemOf(early);
    expect(detail).toContain("INITIATED");
    expect(detail).toContain("CREDENTIALS_SUBMITTED");
  });
});

describe("a migration's end", () => {
  it("is answered 200 with COMPLETED once the switch is done", async () => {
    api = createApi({ completeWaitMs: PATIENT_MS });
    await api.world.tierlift.start();
    const { id: tenantId } = await activeTenant(api.world);
    const jobId = await underWay(api.world, tenantId);
    await arrival(api.world, jobId, "VERIFICATION");
    const response = await api.post(`${BASE}/${jobId}/complete-verification`, platformAdmin);
    expect(response.status).toBe(200);
    expect(await jobOf(response)).toMatchObject({ status: "COMPLETED" });
    const details = await (await api.get(`${BASE}/${jobId}`, platformAdmin)).json();
    expect(details).toMatchObject({ cutover: CUTOVER });
    expect((await api.get(`${BASE}/tenants/${tenantId}/status`, platformAdmin)).status).toBe(404);
    const history = (await (
      await api.get(`${BASE}/tenants/${tenantId}/history`, platformAdmin)
    ).json()) as unknown[];
    expect(history).toHaveLength(1);
  });

  it("goes on behind a 202 when the wait is over first", async () => {
    api = createApi({ completeWaitMs: 0 });
    await api.world.tierlift.start();
    const { id: tenantId } = await activeTenant(api.world);
    const jobId = await underWay(api.world, tenantId);
    await arrival(api.world, jobId, "VERIFICATION");
    const response = await api.post(`${BASE}/${jobId}/complete-verification`, platformAdmin);
    expect(response.status).toBe(202);
    await arrival(api.world, jobId, "COMPLETED");
  });

  it("is ROLLED_BACK with a reason", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const jobId = await underWay(api.world, tenantId);
    await arrival(api.world, jobId, "VERIFICATION");
    expect((await api.post(`${BASE}/${jobId}/rollback`, platformAdmin, { reason: " " })).status).toBe(400);
    const response = await api.post(`${BASE}/${jobId}/rollback`, platformAdmin, { reason: "slow" });
    expect(response.status).toBe(200);
    expect(await jobOf(response)).toMatchObject({ status: "ROLLING_BACK", reason: "slow" });
    await arrival(api.world, jobId, "ROLLED_BACK");
  });
});

describe("what can be read of a job", () => {
  it("is its preview, its verification report and its trail", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const jobId = await underWay(api.world, tenantId);
    await arrival(api.world, jobId, "VERIFICATION");
    const preview = await api.get(`${BASE}/${jobId}/preview`, platformAdmin);
    expect(preview.status).toBe(200);
    expect(await preview.json()).toHaveProperty("totals.create");
    expect((await api.get(`${BASE}/${jobId}/preview?phase=NONE`, platformAdmin)).status).toBe(400);
    const job = (await (await api.get(`${BASE}/${jobId}`, platformAdmin)).json()) as object;
    expect(job).toMatchObject({ verification: { passed: true }, undone: null, cutover: null });
    const trail = (await (await api.get(`${BASE}/${jobId}/audit`, platformAdmin)).json()) as unknown[];
    expect(trail.length).toBeGreaterThan(3);
  });
});

describe("a preview", () => {
  it.each([
    ["text/plain", /^Stack acme, preview of PREVIEWING_CHANGES\n/],
    ["text/markdown", /^# Stack `acme`, preview of `PREVIEWING_CHANGES`\n/],
  ])("is read as %s by one who asks for it", async (type, beginning) => {
    const { id: tenantId } = await activeTenant(api.world);
    const jobId = await underWay(api.world, tenantId);
    await arrival(api.world, jobId, "VERIFICATION");
    const response = await api.request(`${BASE}/${jobId}/preview`, {
      token: platformAdmin,
      headers: { Accept: `application/json;q=0.5, ${type}` },
    });
    expect(response.headers.get("Content-Type")).toBe(`${type}; charset=utf-8`);
    expect(response.headers.get("Vary")).toContain("Accept");
    expect(await response.text()).toMatch(beginning);
  });
});

describe("paths that do not exist", () => {
  it("are problems too", async () => {
    const response = await api.get("/api/v1/nothing", platformAdmin);
    expect(response.status).toBe(404);
    expect(await problemOf(response)).toMatchObject({ code: "HTTP_404" });
  });
});
