/** `tierlift upgrade`: a migration from its request to the point where the tenant tries its new infrastructure. */
import type { JobStatus, Tenant, TierMigrationJob } from "../../automation/model.ts";
import { command, type Context } from "../command.ts";
import { CREDENTIALS, HOW_TO_GIVE, readCredentials, type Credentials } from "../credentials.ts";
import { EXIT, RefusedError, UsageError } from "../errors.ts";
import { findTenant } from "../find.ts";
import { exitCodeOf, following, printOutcome, type Following } from "../follow.ts";
import { printLine, tell } from "../io.ts";
import { wrap } from "../text.ts";
import { hasEnded, isAtRest, pathOf, type Job } from "../watch.ts";

const DEDICATED: readonly string[] = ["PROFESSIONAL", "ENTERPRISE"];

interface Going {
  context: Context;
  tenant: Tenant;
  followed: Following;
}

export const upgrade = command({
  name: "upgrade",
  operands: ["TENANT"],
  summary: "Moves a tenant to a higher tier, and shows how it goes",
  details: [
    "Initiates the migration, validates the payment where the token is a platform administrator's (else waits until one does), submits the credentials where the new tier needs them, and follows it until it is in VERIFICATION, where the tenant tries it; or to its end, where there is nothing to try. A migration to the same tier that is under way is gone on with.",
    'With --json each event is a line of standard output; the last line is {"type":"result","job":…}.',
  ].join("\n"),
  options: {
    to: { type: "string", value: "TIER", help: "STARTER, PROFESSIONAL or ENTERPRISE (required)" },
    ...CREDENTIALS,
    "no-wait": { type: "boolean", help: "end as soon as it is on its way" },
  },
  async run(context, [name = ""], values) {
    if (values.to === undefined)
      throw new UsageError("--to is missing: the tier, for example --to PROFESSIONAL.");
    const targetTier = values.to.toUpperCase();
    const credentials = await readCredentials(values);
    const tenant = await findTenant(context, name);
    const active = await findActive(context, tenant, targetTier);
    if (
      credentials === undefined &&
      (active ? isWithout(active) : true) &&
      needsCredentials(tenant, targetTier)
    )
      throw new UsageError(
        `${tenant.slug} gets infrastructure of its own in ${targetTier}, for which a service principal is needed: ${HOW_TO_GIVE}`,
      );
    const begun = active ?? (await initiate(context, tenant, targetTier));
    if (context.json) printLine(context.io, { type: "job", job: begun });
    const isWaiting = !(values["no-wait"] ?? false);
    const job = await following(context, { tenant, job: begun, eventsOnStdout: true }, async (followed) => {
      const now = await context.client.get<Job>(pathOf(begun.id));
      const handedIn = await handIn({ context, tenant, followed }, now, credentials);
      if (!isWaiting) return handedIn;
      if (hasEnded(handedIn)) return handedIn;
      // What was begun here has its events still to come, however fast it was.
      const isNews = handedIn !== now;
      return !isNews && isAtRest(now, isArrival) ? now : arrival(tenant, followed);
    });
    printOutcome(context, tenant, job, "line");
    if (!isWaiting) return job.status === "FAILED" ? EXIT.failed : EXIT.done;
    return exitCodeOf(job, ["VERIFICATION", "COMPLETED"]);
  },
});

/** Only a tenant that leaves the shared cluster hands in a service principal. */
const needsCredentials = ({ limits }: Tenant, targetTier: string): boolean =>
  limits.deployment === "SHARED" && DEDICATED.includes(targetTier);

/** No service principal was handed in yet. */
const isWithout = ({ status }: TierMigrationJob): boolean =>
  status === "INITIATED" || status === "PAYMENT_VALIDATED";

/** The active migration, when it leads to this tier: it is gone on with. */
async function findActive(
  { client, io }: Context,
  { id, slug }: Tenant,
  targetTier: string,
): Promise<TierMigrationJob | undefined> {
  try {
    const active = await client.get<TierMigrationJob>(`/api/v1/migrations/tenants/${id}/status`);
    if (active.targetTier !== targetTier) return undefined;
    tell(io, ...wrap(`${slug} is on its way already: migration ${active.id} goes on.`));
    return active;
  } catch (error) {
    if (error instanceof RefusedError && error.code === "NO_ACTIVE_MIGRATION") return undefined;
    throw error;
  }
}

async function initiate({ client }: Context, { id }: Tenant, targetTier: string): Promise<TierMigrationJob> {
  const path = `/api/v1/migrations/tenants/${id}/upgrade-tier`;
  return (await client.post<TierMigrationJob>(path, { targetTier })).body;
}

/** Takes the steps that are this side's, payment, then credentials; `job` itself when there are none. */
async function handIn(going: Going, job: Job, credentials?: Credentials): Promise<Job> {
  const paid = job.status === "INITIATED" ? await pay(going, job) : job;
  if (credentials === undefined || !wantsCredentials(paid)) return paid;
  const { body } = await going.context.client.post<Job>(`${pathOf(job.id)}/submit-credentials`, credentials);
  return body;
}

/** A token that may not validate payments waits for someone whose token may. */
async function pay({ context, tenant, followed }: Going, { id }: Job): Promise<Job> {
  try {
    await context.client.post(`${pathOf(id)}/validate-payment`);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 403) throw error;
    followed.display.note(`Waiting for a platform administrator: tierlift validate-payment ${tenant.slug}`);
  }
  return followed.watch.until((status) => status !== "INITIATED");
}

/** Handed in for the first time, or again after they were turned down. */
const wantsCredentials = ({ status, error }: Job): boolean =>
  status === "PAYMENT_VALIDATED" || (status === "FAILED" && error?.phase === "VALIDATING_SERVICE_PRINCIPAL");

const isArrival = (status: JobStatus): boolean => status === "VERIFICATION";

/** In VERIFICATION or at an end; on the way someone may have to approve. */
async function arrival({ slug }: Tenant, { watch, display }: Following): Promise<Job> {
  const job = await watch.until((status) => isArrival(status) || status === "AWAITING_APPROVAL");
  if (job.status !== "AWAITING_APPROVAL") return job;
  display.note(`Waiting for an approval: tierlift preview ${slug}, then tierlift approve ${slug}`);
  return watch.until(isArrival);
}
