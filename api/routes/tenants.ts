/** Tenants: made at once, provisioned behind the answer. */
import { Hono } from "hono";
import type { TenantOrder } from "../../automation/tenants.ts";
import type { Tierlift } from "../../automation/tierlift.ts";
import { requirePlatformAdmin, requireTenantManager } from "../auth.ts";
import type { ApiEnvironment } from "../auth.ts";
import { tellTotal } from "../lists.ts";
import { createTenantRequest, deleteTenantQuery, listTenantsQuery } from "../schemas.ts";
import { parseBody, parseQuery } from "../validation.ts";

export function createTenantRoutes({ tenants }: Tierlift): Hono<ApiEnvironment> {
  const app = new Hono<ApiEnvironment>();

  app.post("/", async (c) => {
    requirePlatformAdmin(c.get("actor"));
    const tenant = await tenants.create(await parseBody(c, createTenantRequest), c.get("actor"));
    c.set("about", { tenantId: tenant.id });
    c.header("Location", `/api/v1/tenants/${tenant.id}`);
    return c.json(tenant, 201);
  });

  app.get("/", (c) => {
    requirePlatformAdmin(c.get("actor"));
    const { sort, ...filter } = parseQuery(c, listTenantsQuery);
    const descending = sort.startsWith("-");
    const by = (descending ? sort.slice(1) : sort) as TenantOrder["by"];
    const found = tenants.list({ ...filter, order: { by, descending } });
    tellTotal(c, found.total, found);
    return c.json(found);
  });

  app.get("/:tenantId", (c) => {
    const { tenantId } = c.req.param();
    requireTenantManager(c.get("actor"), tenantId);
    return c.json(tenants.get(tenantId));
  });

  app.delete("/:tenantId", async (c) => {
    requirePlatformAdmin(c.get("actor"));
    const { confirm } = parseQuery(c, deleteTenantQuery);
    return c.json(await tenants.delete(c.req.param("tenantId"), confirm, c.get("actor")), 202);
  });

  return app;
}
