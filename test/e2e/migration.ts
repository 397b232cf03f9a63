/** What the chapters of the stories do with a tenant and its migrations, over REST. */
import { expect } from "vitest";
import type { Installation } from "./installation.ts";
import { until } from "./installation.ts";
import type { JobStatus, TenantStatus, TierMigrationJob, TierliftEvent } from "../../automation/model.ts";
import type { CutoverReport, VerificationReport } from "../../automation/ports.ts";
import { createClient } from "../../cli/client.ts";
import { followEvents } from "../../cli/stream.ts";
import type { Tier } from "../../stacks/spec.ts";

const MINUTE = 60_000;
/** For a service that hangs; no step of a story takes so long. */
const BOUND_MS = 10 * MINUTE;

type Details = TierMigrationJob & {
  verification: VerificationReport | null;
  undone: VerificationReport | null;
  cutover: CutoverReport | null;
};

export type Phases = TierMigrationJob["phases"];

/** Phases that did not succeed at their first try: none, where nothing was broken on purpose. */
export const triedAgain = (phases: Phases): string[] =>
  phases.filter(({ attempts }) => attempts > 1).map(({ phase }) => phase);

export class Story {
  readonly installation: Installation;
  readonly admin: string;

  constructor(installation: Installation, admin: string) {
    this.installation = installation;
    this.admin = admin;
  }

  private async post(path: string, status: number[], body?: unknown): Promise<unknown> {
    const answer = await this.installation.send("POST", `/api/v1${path}`, this.admin, body);
    expect(status, JSON.stringify(answer.body)).toContain(answer.status);
    return answer.body;
  }

  async createTenant(slug: string, tier: Tier): Promise<string> {
    const wish = { name: slug, slug, tier, region: "westeurope", adminEmail: `admin@${slug}.example` };
    const { id } = (await this.post("/tenants", [201], wish)) as { id: string };
    const { status } = await this.untilTenant(id, ["ACTIVE", "PROVISIONING_FAILED"]);
    expect(status).toBe("ACTIVE");
    return id;
  }

  async tenant(tenantId: string): Promise<{ status: TenantStatus; tier: Tier; [more: string]: unknown }> {
    const { body } = await this.installation.get(`/api/v1/tenants/${tenantId}`, this.admin);
    return body as { status: TenantStatus; tier: Tier };
  }

  untilTenant(tenantId: string, states: TenantStatus[]) {
    return until(
      () => this.tenant(tenantId),
      ({ status }) => states.includes(status),
      BOUND_MS,
    );
  }

  /** Initiates and pays; hands in credentials where they are asked for. Answers the job's id. */
  async upgrade(tenantId: string, targetTier: Tier): Promise<string> {
    const job = (await this.post(`/migrations/tenants/${tenantId}/upgrade-tier`, [201], {
      targetTier,
    })) as TierMigrationJob;
    await this.post(`/migrations/${job.id}/validate-payment`, [200]);
    const isShared = (tier: Tier): boolean => tier === "FREE" || tier === "STARTER";
    if (isShared(job.sourceTier) && !isShared(targetTier)) {
      await this.post(
        `/migrations/${job.id}/submit-credentials`,
        [200],
        this.installation.endpoints().credentials,
      );
    }
    return job.id;
  }

  async job(jobId: string): Promise<Details> {
    const { body } = await this.installation.get(`/api/v1/migrations/${jobId}`, this.admin);
    return body as Details;
  }

  /** The job once it has the state; a FAILED one is shown with its reason. */
  async reaches(jobId: string, status: JobStatus): Promise<Details> {
    const job = await this.untilJob(jobId, [status, "FAILED"]);
    expect(job.status, JSON.stringify(job.error)).toBe(status);
    return job;
  }

  untilJob(jobId: string, states: JobStatus[]): Promise<Details> {
    return until(
      () => this.job(jobId),
      ({ status }) => states.includes(status),
      BOUND_MS,
    );
  }

  async complete(jobId: string): Promise<void> {
    await this.post(`/migrations/${jobId}/complete-verification`, [200, 202]);
  }

  async rollback(jobId: string): Promise<void> {
    await this.post(`/migrations/${jobId}/rollback`, [200], { reason: "tried and not liked" });
  }

  async cancel(jobId: string): Promise<void> {
    await this.post(`/migrations/${jobId}/cancel`, [200], { reason: "not now" });
  }

  async retry(jobId: string): Promise<void> {
    await this.post(`/migrations/${jobId}/retry`, [200]);
  }

  async deleteTenant(tenantId: string, slug: string): Promise<void> {
    const path = `/api/v1/tenants/${tenantId}?confirm=${slug}`;
    expect((await this.installation.send("DELETE", path, this.admin)).status).toBe(202);
    await this.untilTenant(tenantId, ["DELETED"]);
  }

  /** The tenant's events from now on, over restarts of the service and many migrations, until the signal aborts. */
  async follow(tenantId: string, signal: AbortSignal): Promise<AsyncIterable<TierliftEvent>> {
    const { api } = this.installation.endpoints();
    const client = createClient({ api, token: this.admin, signal });
    const isWanted = ({ type }: TierliftEvent): boolean => type !== "end";
    const events = followEvents(client, tenantId, { signal, isWanted });
    // The connection stands before anything that is to be followed begins.
    expect((await events.next()).value).toBe("connected");
    return events as AsyncIterable<TierliftEvent>;
  }
}
