/** Every failure the service names: one class, one table. What is not in it is a bug and is answered without text. */
import type { JobStatus, TenantStatus } from "./model.ts";
import type { Tier } from "../stacks/spec.ts";

/** What kind of failure it is for the one who asked; `api/` maps each kind to one HTTP status. */
export type ErrorKind =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "missing"
  | "conflict"
  | "unprocessable"
  | "unavailable"
  | "timeout"
  | "upstream"
  | "internal";

interface ErrorRow<Details> {
  kind: ErrorKind;
  /** Whether the same step may succeed when it is tried again without anyone changing anything. */
  retryable: boolean;
  message: (details: Details) => string;
}

function row<Details>(
  kind: ErrorKind,
  retryable: boolean,
  message: (details: Details) => string,
): ErrorRow<Details> {
  return { kind, retryable, message };
}

type Nothing = Record<never, never>;

/** Messages are for the operator: what, which tenant and phase, what to do next. They never hold a secret. */
export const ERRORS = {
  INVALID_REQUEST: row<{ field: string; problem: string }>(
    "invalid",
    false,
    ({ field, problem }) => `${field}: ${problem}. Correct the field and send the request again.`,
  ),
  UNAUTHENTICATED: row<{ problem: string }>(
    "unauthenticated",
    false,
    ({ problem }) => `${problem}. Send a valid bearer token in the Authorization header.`,
  ),
  IDEMPOTENCY_KEY_REUSED: row<Nothing>(
    "unprocessable",
    false,
    () => "The idempotency key was used for another request. Send this one with a key of its own.",
  ),
  IDEMPOTENCY_KEY_BUSY: row<Nothing>(
    "conflict",
    true,
    () => "A request with this idempotency key is under way. Ask again in a moment for its answer.",
  ),
  FORBIDDEN: row<{ needed: string }>(
    "forbidden",
    false,
    ({ needed }) => `This needs ${needed}. Ask someone who holds it, or use another token.`,
  ),
  TENANT_NOT_FOUND: row<{ tenantId: string }>(
    "missing",
    false,
    ({ tenantId }) => `There is no tenant ${tenantId}. List the tenants to find its id.`,
  ),
  MIGRATION_NOT_FOUND: row<{ jobId: string }>(
    "missing",
    false,
    ({ jobId }) => `There is no migration ${jobId}. Ask for the tenant's history to find its id.`,
  ),
  NO_ACTIVE_MIGRATION: row<{ tenantId: string }>(
    "missing",
    false,
    ({ tenantId }) => `Tenant ${tenantId} has no active migration. Its history shows the finished ones.`,
  ),
  NO_PROVISIONING: row<{ tenantId: string }>(
    "missing",
    false,
    ({ tenantId }) => `Nothing was ever provisioned for tenant ${tenantId}.`,
  ),
  PREVIEW_NOT_FOUND: row<{ jobId: string; phase: string }>(
    "missing",
    false,
    ({ jobId, phase }) => `Migration ${jobId} has no preview of ${phase} yet. Ask again once that phase ran.`,
  ),
  REPORT_NOT_FOUND: row<{ jobId: string }>(
    "missing",
    false,
    ({ jobId }) => `Migration ${jobId} has no verification report yet. Ask again after VERIFYING_DEPLOYMENT.`,
  ),
  UNDO_REPORT_NOT_FOUND: row<{ jobId: string }>(
    "missing",
    false,
    ({ jobId }) => `Migration ${jobId} was not rolled back or cancelled: there is no report of what is left.`,
  ),
  SLUG_TAKEN: row<{ slug: string }>(
    "conflict",
    false,
    ({ slug }) => `The slug ${slug} is taken by another tenant. Choose another one.`,
  ),
  SLUG_RESERVED: row<{ slug: string }>(
    "invalid",
    false,
    ({ slug }) => `The slug ${slug} is reserved for the platform. Choose another one.`,
  ),
  DEDICATED_AT_CREATION: row<{ tier: Tier }>(
    "invalid",
    false,
    ({ tier }) =>
      `A tenant cannot start in ${tier}: it needs credentials. Create it in FREE or STARTER and upgrade it.`,
  ),
  TENANT_NOT_READY: row<{ slug: string; status: TenantStatus; needed: string }>(
    "conflict",
    false,
    ({ slug, status, needed }) =>
      `Tenant ${slug} is ${status}; this needs it to be ${needed}. Wait for it, or retry its provisioning.`,
  ),
  CONFIRMATION_MISMATCH: row<{ slug: string }>(
    "invalid",
    false,
    ({ slug }) => `Deleting destroys everything of the tenant. Confirm with its slug, ${slug}.`,
  ),
  MIGRATION_ACTIVE: row<{ slug: string; jobId: string; status: JobStatus }>(
    "conflict",
    false,
    ({ slug, jobId, status }) =>
      `Tenant ${slug} has an active migration, ${jobId}, which is ${status}. Finish, cancel or roll it back first.`,
  ),
  NOT_AN_UPGRADE: row<{ source: Tier; target: Tier }>(
    "conflict",
    false,
    ({ source, target }) =>
      `${target} is not above the tenant's present tier, ${source}. Only upgrades are possible.`,
  ),
  CREDENTIALS_NOT_NEEDED: row<{ source: Tier; target: Tier }>(
    "conflict",
    false,
    ({ source, target }) =>
      `A migration from ${source} to ${target} needs no credentials. It starts once payment is validated.`,
  ),
  ILLEGAL_TRANSITION: row<{ command: string; from: JobStatus; to: string }>(
    "conflict",
    false,
    ({ command, from, to }) =>
      `${command} would take the migration to ${to}, which is not possible while it is ${from}.`,
  ),
  ALREADY_SWITCHED: row<{ from: JobStatus; to: JobStatus }>(
    "conflict",
    false,
    ({ from, to }) =>
      `The migration is ${from} and the tenant is served by its new infrastructure: going to ${to} would lose data. Retry it instead.`,
  ),
  APPROVED_OTHER: row<{ given: string; present: string }>(
    "conflict",
    false,
    ({ given, present }) =>
      `The approval names change set ${given}, the present one is ${present}. Read the preview again and approve that.`,
  ),
  CHANGE_NOT_ALLOWED: row<{ step: string; operations: string[] }>(
    "conflict",
    false,
    ({ step, operations }) =>
      `${step} may not do this: ${shown(operations)}. Nothing was touched; compare the stack with the program.`,
  ),
  CHANGE_NOT_APPROVED: row<{ step: string; operations: string[] }>(
    "conflict",
    false,
    ({ step, operations }) =>
      `${step} wants what the approved preview does not hold: ${shown(operations)}. Nothing was touched; start a new migration for a new preview.`,
  ),
  SERVICE_PRINCIPAL_REJECTED: row<{ clientId: string; problem: string }>(
    "invalid",
    false,
    ({ clientId, problem }) =>
      `The service principal ${clientId} was not accepted: ${problem}. Correct it in Azure and retry, or cancel.`,
  ),
  SECRET_NOT_RESOLVED: row<{ reference: string; problem: string }>(
    "invalid",
    false,
    ({ reference, problem }) => `The Key Vault secret ${reference} could not be read: ${problem}.`,
  ),
  LEASE_LOST: row<{ tenantId: string; epoch: number }>(
    "conflict",
    false,
    ({ tenantId, epoch }) =>
      `The lease of tenant ${tenantId} (epoch ${epoch}) was taken over by another owner.`,
  ),
  PHASE_TIMEOUT: row<{ phase: string; timeoutMs: number }>(
    "timeout",
    true,
    ({ phase, timeoutMs }) => `${phase} did not end within ${Math.round(timeoutMs / 1000)} s.`,
  ),
  ABORTED: row<{ what: string }>("unavailable", true, ({ what }) => `${what} was stopped before it ended.`),
  DATA_COMMAND_FAILED: row<{ verb: string; problem: string }>(
    "upstream",
    true,
    ({ verb, problem }) => `The data command ${verb} failed: ${problem}.`,
  ),
  PARITY_MISMATCH: row<{ slug: string; differences: string[] }>(
    "conflict",
    false,
    ({ slug, differences }) =>
      `The copies of tenant ${slug} differ from the shared stores: ${shown(differences)}. The switch was not made.`,
  ),
  VERIFICATION_FAILED: row<{ slug: string; checks: string[] }>(
    "conflict",
    true,
    ({ slug, checks }) => `The new infrastructure of tenant ${slug} does not pass: ${shown(checks)}.`,
  ),
  SWITCH_NOT_CONFIRMED: row<{ name: string; expected: string; found: string }>(
    "upstream",
    true,
    ({ name, expected, found }) => `${name} answers ${found} instead of ${expected}.`,
  ),
  SWITCH_BACK_FAILED: row<{ slug: string; problem: string }>(
    "upstream",
    false,
    ({ slug, problem }) =>
      `The switch of tenant ${slug} failed and could not be taken back: ${problem}. Retry, or roll back.`,
  ),
  UNDO_INCOMPLETE: row<{ slug: string; problems: string[] }>(
    "upstream",
    true,
    ({ slug, problems }) =>
      `Undoing the migration of tenant ${slug} left something behind: ${shown(problems)}. Retry.`,
  ),
  DELETION_INCOMPLETE: row<{ slug: string; problems: string[] }>(
    "upstream",
    true,
    ({ slug, problems }) =>
      `Something of tenant ${slug} is still there: ${shown(problems)}. Delete it again, or remove what is named.`,
  ),
  MISSING_OUTPUT: row<{ stack: string; output: string }>(
    "internal",
    false,
    ({ stack, output }) => `Stack ${stack} has no output ${output}. Run its last phase again.`,
  ),
  STORE_LOCKED: row<{ folder: string; pid: number }>(
    "unavailable",
    false,
    ({ folder, pid }) =>
      `The data folder ${folder} is in use by process ${pid}. Stop that service, or choose another TIERLIFT_HOME.`,
  ),
  STORE_DAMAGED: row<{ file: string; problem: string }>(
    "internal",
    false,
    ({ file, problem }) =>
      `The data file ${file} is damaged: ${problem}. Restore it from a backup; nothing was changed.`,
  ),
  STORE_VERSION: row<{ file: string; found: string; known: number }>(
    "internal",
    false,
    ({ file, found, known }) =>
      `The data file ${file} has schema version ${found}; this program knows ${known}. Use the version that wrote it.`,
  ),
  STORE_CLOSED: row<Nothing>("unavailable", true, () => "The store is closed. The service is stopping."),
  NOT_READY: row<{ what: string }>(
    "unavailable",
    true,
    ({ what }) => `${what} is not ready yet. Ask again in a moment.`,
  ),
  /** The engine ended with an error of its own. */
  ENGINE_FAILED: row<{ stack: string; detail: string }>(
    "upstream",
    true,
    ({ stack, detail }) => `The engine failed on stack ${stack}: ${detail}`,
  ),
  /** A provider or the cloud behind it refused or failed one resource; it may pass, so it is tried again. */
  RESOURCE_FAILED: row<{ stack: string; detail: string }>(
    "upstream",
    true,
    ({ stack, detail }) => `Resources of stack ${stack} failed: ${detail}`,
  ),
  /** The cloud refused what a resource asks for; it will again, until someone changes something. */
  RESOURCE_REFUSED: row<{ stack: string; detail: string }>(
    "upstream",
    false,
    ({ stack, detail }) =>
      `Resources of stack ${stack} were refused: ${detail.replace(/[.\s]*$/, ".")} Set right what is named, then retry or roll back.`,
  ),
  ENGINE_LOCKED: row<{ stack: string; detail: string }>(
    "conflict",
    true,
    ({ stack, detail }) => `Stack ${stack} is locked: ${detail}`,
  ),
  ENGINE_INTERRUPTED: row<{ stack: string; detail: string }>(
    "unavailable",
    true,
    ({ stack, detail }) => `The operation on stack ${stack} was interrupted: ${detail}`,
  ),
  ENGINE_TIMEOUT: row<{ stack: string; seconds: number }>(
    "timeout",
    true,
    ({ stack, seconds }) =>
      `The engine did not finish on stack ${stack} within ${seconds} s and was stopped.`,
  ),
  CHANGES_REFUSED: row<{ stack: string; detail: string }>(
    "conflict",
    false,
    ({ stack, detail }) => `The changes of stack ${stack} were refused: ${detail}`,
  ),
  STACK_NOT_FOUND: row<{ stack: string; detail: string }>(
    "missing",
    false,
    ({ stack, detail }) => `There is no stack ${stack}: ${detail}`,
  ),
  INTERNAL: row<{ problem: string }>(
    "internal",
    false,
    ({ problem }) => `An unexpected failure: ${problem}.`,
  ),
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetails<Code extends ErrorCode> = Parameters<(typeof ERRORS)[Code]["message"]>[0];

/** A failure with a stable code; its message may be shown to the one who asked. */
export class TierliftError extends Error {
  override readonly name = "TierliftError";
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, details: object, options?: ErrorOptions) {
    const found = ERRORS[code];
    super((found.message as (details: object) => string)(details), options);
    this.code = code;
    this.kind = found.kind;
    this.retryable = found.retryable;
    this.details = { ...details };
  }
}

/** Makes an error of the table; the details are checked against its row. */
export function tierliftError<Code extends ErrorCode>(
  code: Code,
  details: ErrorDetails<Code>,
  options?: ErrorOptions,
): TierliftError {
  return new TierliftError(code, details, options);
}

/** Translates whatever was caught: errors of the table stay, everything else is INTERNAL with the cause kept. */
export function asTierliftError(error: unknown): TierliftError {
  if (error instanceof TierliftError) return error;
  return tierliftError(
    "INTERNAL",
    { problem: error instanceof Error ? error.message : "unknown" },
    { cause: error },
  );
}

function shown(items: string[]): string {
  const first = items.slice(0, 5).join("; ");
  return items.length > 5 ? `${first}; and ${items.length - 5} more` : first;
}
