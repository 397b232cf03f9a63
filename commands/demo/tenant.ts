import { setTimeout as delay } from "node:timers/promises";
import type { Tenant } from "../../automation/model.ts";
import { CommandError } from "../command-line.ts";
import type { Client } from "../../cli/client.ts";
import { secondsSince, type Stage } from "./stage.ts";

const TENANT_WITHIN_MS = 5 * 60_000;

/** Creates a STARTER tenant and waits until its slice stands; rejects with a CommandError when it does not. */
export async function createTenant(
  stage: Pick<Stage, "print" | "signal">,
  admin: Client,
  slug: string,
  name: string,
): Promise<Tenant> {
  const startedAt = performance.now();
  const wish = { name, slug, tier: "STARTER", region: "westeurope", adminEmail: `admin@${slug}.example` };
  const { body: tenant } = await admin.post<Tenant>("/api/v1/tenants", wish);
  for (;;) {
    const { status } = await admin.get<Tenant>(`/api/v1/tenants/${tenant.id}`);
    if (status === "ACTIVE") break;
    if (status === "PROVISIONING_FAILED")
      throw new CommandError(`the slice of ${slug} could not be made: ${await reasonOf(admin, tenant.id)}`);
    if (performance.now() - startedAt > TENANT_WITHIN_MS)
      throw new CommandError(`${slug} is still ${status} after 5 minutes`);
    await delay(300, undefined, { signal: stage.signal });
  }
  stage.print(`  ${slug} (${tenant.id}) is ACTIVE after ${secondsSince(startedAt)} s`);
  return tenant;
}

async function reasonOf(admin: Client, tenantId: string): Promise<string> {
  const { error } = await admin.get<{ error: { message: string } | null }>(
    `/api/v1/tenants/${tenantId}/provisioning/status`,
  );
  return error?.message ?? "no reason is given";
}
