/** Tenants by slug or id, and the migration that is meant. */
import type { Tenant } from "../automation/model.ts";
import type { Context } from "./command.ts";
import { ClientError, EXIT, RefusedError } from "./errors.ts";
import { pathOf, type Job } from "./watch.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Rejects with ClientError when there is none; a deleted tenant is found by its id only. */
export async function findTenant({ client, ownTenantId }: Context, name: string): Promise<Tenant> {
  if (UUID.test(name)) return client.get<Tenant>(`/api/v1/tenants/${name}`);
  // A tenant's own administrator may not search; its token says which tenant it is for.
  if (ownTenantId !== undefined) {
    const own = await client.get<Tenant>(`/api/v1/tenants/${encodeURIComponent(ownTenantId)}`);
    if (own.slug === name) return own;
  }
  const path = `/api/v1/tenants?${new URLSearchParams({ slug: name }).toString()}`;
  const found = await client.get<{ tenants: Tenant[] }>(path).catch((error: unknown) => {
    if (error instanceof RefusedError && error.status === 403)
      throw new RefusedError(`GET ${path}`, 403, {
        code: error.code,
        detail: `This token may not look for tenants by slug. Give the id of ${name} instead, or use a platform administrator's token.`,
      });
    throw error;
  });
  const [tenant] = found.tenants;
  if (tenant === undefined)
    throw new ClientError(
      `There is no tenant ${name}: tierlift tenants lists them. A deleted one is found by its id.`,
      EXIT.refused,
    );
  return tenant;
}

/** The one with this id, else the tenant's active migration, else its last one. */
export async function findJob({ client }: Context, tenant: Tenant, jobId?: string): Promise<Job> {
  if (jobId !== undefined) {
    const job = await client.get<Job>(pathOf(encodeURIComponent(jobId)));
    if (job.tenantId !== tenant.id)
      throw new ClientError(`Migration ${jobId} is another tenant's, not ${tenant.slug}'s.`, EXIT.refused);
    return job;
  }
  const history = await client.get<Job[]>(historyPath(tenant));
  const job = history.find(({ completedAt }) => completedAt === undefined) ?? history.at(-1);
  if (job === undefined)
    throw new ClientError(
      `Tenant ${tenant.slug} never had a migration: tierlift upgrade begins one.`,
      EXIT.refused,
    );
  return client.get<Job>(pathOf(job.id));
}

export const historyPath = ({ id }: Tenant): string => `/api/v1/migrations/tenants/${id}/history`;
