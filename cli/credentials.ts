/** The service principal that a tenant hands in: references, never a secret. */
import { readFile } from "node:fs/promises";
import type { CredentialsReference } from "../automation/model.ts";
import type { Options, ValuesOf } from "./command.ts";
import { UsageError } from "./errors.ts";

export type Credentials = Omit<CredentialsReference, "directoryId">;

export const CREDENTIALS = {
  "client-id": { type: "string", value: "ID", help: "the service principal" },
  "client-secret-ref": {
    type: "string",
    value: "NAME",
    help: "name or address of the Key Vault secret that holds its secret; never the secret",
  },
  "azure-tenant-id": { type: "string", value: "ID", help: "its directory" },
  "subscription-id": { type: "string", value: "ID", help: "the subscription for the infrastructure" },
  "credentials-file": {
    type: "string",
    value: "FILE",
    help: "all four as JSON (clientId, clientSecretRef, azureTenantId, subscriptionId), at the top or under credentials as in endpoints.json",
  },
} as const satisfies Options;

const FLAGS = {
  clientId: "client-id",
  clientSecretRef: "client-secret-ref",
  azureTenantId: "azure-tenant-id",
  subscriptionId: "subscription-id",
} as const satisfies Record<keyof Credentials, keyof typeof CREDENTIALS>;
const FIELDS = Object.keys(FLAGS) as (keyof Credentials)[];

/** Undefined when none are given. Throws UsageError for a part of them. */
export async function readCredentials(
  values: ValuesOf<typeof CREDENTIALS>,
): Promise<Credentials | undefined> {
  const file = values["credentials-file"];
  const given = FIELDS.filter((field) => values[FLAGS[field]] !== undefined);
  if (file !== undefined) {
    if (given.length > 0)
      throw new UsageError("Credentials come from --credentials-file or from flags, not both.");
    return readCredentialsFile(file);
  }
  if (given.length === 0) return undefined;
  return complete(
    (field) => values[FLAGS[field]],
    (field) => `--${FLAGS[field]}`,
  );
}

async function readCredentialsFile(file: string): Promise<Credentials> {
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  } catch (error) {
    // A parser's message quotes what it read.
    const why = error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
    throw new UsageError(`--credentials-file ${file}: ${why}`);
  }
  const found = (content["credentials"] ?? content) as Record<string, unknown>;
  return complete(
    (field) => found[field],
    (field) => `${field} in ${file}`,
  );
}

function complete(
  valueOf: (field: keyof Credentials) => unknown,
  nameOf: (field: keyof Credentials) => string,
): Credentials {
  const entries = FIELDS.map((field) => {
    const value = valueOf(field);
    if (typeof value !== "string" || value.trim() === "")
      throw new UsageError(`The credentials are not complete: ${nameOf(field)} is missing.`);
    return [field, value];
  });
  return Object.fromEntries(entries) as Credentials;
}

/** For those who have none at hand. */
export const HOW_TO_GIVE =
  "give --client-id, --client-secret-ref, --azure-tenant-id and --subscription-id, or --credentials-file. The local target has a principal in TIERLIFT_HOME/endpoints.json, which can be the file.";
