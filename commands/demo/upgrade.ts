/** One migration from request to completion, through the endpoints of the specification. */
import type { ChangeSet } from "../../automation/engine/engine.ts";
import type { JobStatus, Tenant, TierliftEvent } from "../../automation/model.ts";
import type { Client } from "../../cli/client.ts";
import {
  createTeller,
  describeChanges,
  describeFreeze,
  describeLate,
  describeReport,
} from "../../cli/describe.ts";
import { createWatch, type Job, type Watch } from "../../cli/watch.ts";
import { CommandError } from "../command-line.ts";
import { askDns, type Stage } from "./stage.ts";

/** The API waits 25 s for the switch. */
const COMPLETE_WITHIN_MS = 60_000;

/** What the copy of the blobs has told of itself. */
export interface BlobsCopied {
  blobs: number;
  bytes: number;
  seconds: number;
}

/** The same of the rows, with those of reference tables. */
export interface RowsCopied {
  rows: number;
  seconds: number;
}

/** The same of the keys. */
export interface KeysCopied {
  keys: number;
  failed: number;
  seconds: number;
  problem?: string;
}

/** What the copy of the records has told of itself. */
export interface RecordsCopied {
  records: number;
  seconds: number;
}

export interface Upgraded {
  copied: { rows?: RowsCopied; blobs?: BlobsCopied; keys?: KeysCopied; records?: RecordsCopied };
  /** Of the verification report: what was read and compared. */
  verified: { rows: string; blobs: string; keys: string; records: string };
}

/** Upgrades a tenant to PROFESSIONAL; its own administrator asks, a platform administrator confirms the payment. */
export async function upgrade(stage: Stage, admin: Client, tenant: Tenant): Promise<Upgraded> {
  const { print } = stage;
  const owner = await stage.clientOf({
    subject: tenant.adminEmail,
    roles: ["TENANT_ADMIN"],
    tenantId: tenant.id,
  });
  const wish = { targetTier: "PROFESSIONAL" };
  const { body: job } = await owner.post<Job>(`/api/v1/migrations/tenants/${tenant.id}/upgrade-tier`, wish);
  const path = `/api/v1/migrations/${job.id}`;
  await admin.post(`${path}/validate-payment`);

  const showPreview = async () => {
    for (const line of describeChanges(await owner.get<ChangeSet>(`${path}/preview`))) print(`  ${line}`);
  };
  const lineOf = createTeller();
  const copied: Upgraded["copied"] = {};
  const onEvent = async (event: TierliftEvent) => {
    copied.rows ??= parseCopied<RowsCopied>(event, "copy: rows copied");
    copied.blobs ??= parseCopied<BlobsCopied>(event, "copy: blobs copied");
    copied.keys ??= parseCopied<KeysCopied>(event, "copy: keys copied");
    copied.records ??= parseCopied<RecordsCopied>(event, "copy: records copied");
    const line = lineOf(event);
    if (line !== undefined) print(`  ${line}`);
    const { phase, state } = event.data;
    if (event.type === "phase" && phase === "PREVIEWING_CHANGES" && state === "done") await showPreview();
  };
  const watch = createWatch(owner, job, { onEvent, signal: stage.signal });
  try {
    await watch.connected();
    await owner.post(`${path}/submit-credentials`, (await stage.endpoints()).credentials);
    const reached = await until(watch, ["AWAITING_APPROVAL", "VERIFICATION"]);
    if (reached === "AWAITING_APPROVAL") {
      await admin.post(`${path}/approve`);
      await until(watch, ["VERIFICATION"]);
    }

    const { verification } = await owner.get<Job>(path);
    for (const line of verification ? describeReport(verification) : ["no report"]) print(`  ${line}`);
    const next = `next.${tenant.slug}.${stage.zone}`;
    print(`  ${next} → ${await askDns(stage, next)}, where the tenant tries it`);

    const completing = owner.post<Job>(`${path}/complete-verification`, undefined, COMPLETE_WITHIN_MS);
    await Promise.all([completing, until(watch, ["COMPLETED"])]);
  } finally {
    watch.stop();
  }
  const { status, cutover, verification } = await owner.get<Job>(path);
  if (status !== "COMPLETED") throw new CommandError(`the migration is ${status}`);
  if (!cutover) throw new CommandError("there is no report of the cutover");
  print(`  ${describeFreeze(cutover)}`);
  for (const line of describeLate(cutover)) print(`  ${line}`);
  const verified = (store: string): string => {
    const check = verification?.checks.find(({ group, name }) => group === "data" && name === store);
    return check?.found.replace("equal: ", "") ?? "nothing";
  };
  return {
    copied,
    verified: {
      rows: verified("postgres"),
      blobs: verified("blobs"),
      keys: verified("cache"),
      records: verified("kafka"),
    },
  };
}

/** The data command tells its progress as JSON lines, which come as the engine's log. */
function parseCopied<T>({ type, data }: TierliftEvent, told: string): T | undefined {
  const message = String(data["message"]);
  if (type !== "log" || !message.includes(`"${told}"`)) return undefined;
  return JSON.parse(message) as T;
}

async function until(watch: Watch, wanted: JobStatus[]): Promise<JobStatus> {
  const { status, error, reason } = await watch.until((present) => wanted.includes(present));
  if (wanted.includes(status)) return status;
  throw new CommandError(
    `the migration is ${status}${error?.phase ? ` at ${error.phase}` : ""}: ${error?.message ?? reason ?? ""}`,
  );
}
