/** The one table of environment variables: what is parsed, and what README says about it. */
import { z } from "zod";
import { CONSUMER_OFFSETS } from "../stacks/spec.ts";

export interface Variable {
  /** Told to people; several targets, several words. */
  default: string;
  meaning: string;
  /** Ends the sentence "NAME is VALUE: …". */
  allowed: string;
  /** From the variable's text to its value. */
  schema: z.ZodType<unknown, string>;
  /** Its value is never shown. */
  secret?: true;
}

const text = z.string().min(1);
const uuid = z.guid();
const seconds = (max: number) => wholeNumber(1, max);
const flag = z.enum(["true", "false"]).transform((value) => value === "true");
const plugin = {
  default: "this project's plugin",
  allowed: "a folder that holds the plugin, or official",
  schema: text,
};
const id = { default: "", allowed: "a UUID", schema: uuid };

function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

/** An address with one of these schemes; plain HTTP only to this machine. */
function address(...schemes: string[]) {
  return z.string().refine((value) => {
    if (!URL.canParse(value)) return false;
    const { protocol, hostname } = new URL(value);
    return (
      schemes.includes(protocol.slice(0, -1)) ||
      (schemes.includes("https") && protocol === "http:" && hostname === "127.0.0.1")
    );
  });
}

export const VARIABLES = {
  PORT: {
    default: "8082",
    meaning: "Port of the REST API, on 127.0.0.1; 0 takes a free one (see endpoints.json)",
    allowed: "a whole number from 0 to 65535",
    schema: wholeNumber(0, 65_535),
  },
  TIERLIFT_HOME: {
    default: "`.tierlift` in the checkout",
    meaning: "Everything the installation keeps: jobs, tenants, stacks' states, the local cloud, logs",
    allowed: "a folder",
    schema: text,
  },
  TIERLIFT_TARGET: {
    default: "local",
    meaning: "Where resources really live: the local cloud, or Azure",
    allowed: "local or azure",
    schema: z.enum(["local", "azure"]),
  },
  JWT_SECRET: {
    default: "made once and kept in TIERLIFT_HOME/jwt-secret (local); none (azure)",
    meaning: "Secret of bearer tokens signed with HS256; excludes JWKS_URL",
    allowed: "not empty, on azure at least 32 bytes",
    schema: text,
    secret: true,
  },
  JWKS_URL: {
    default: "",
    meaning: "Where the public keys of bearer tokens are published; excludes JWT_SECRET",
    allowed: "an https address",
    schema: address("https"),
  },
  JWT_ISSUER: {
    default: "",
    meaning: "When set, tokens must carry it as `iss`",
    allowed: "a text",
    schema: text,
  },
  JWT_AUDIENCE: {
    default: "",
    meaning: "When set, tokens must carry it as `aud`",
    allowed: "a text",
    schema: text,
  },
  PULUMI_BACKEND_URL: {
    default: "`file://TIERLIFT_HOME/pulumi/backend`",
    meaning: "Where stacks' states are kept",
    allowed: "an address that starts with file://, azblob://, s3://, gs:// or https://",
    schema: address("file", "azblob", "s3", "gs", "https"),
  },
  PULUMI_SECRETS_PROVIDER: {
    default: "passphrase",
    meaning: "What encrypts secrets in stacks' states",
    allowed:
      "passphrase, or an address that starts with azurekeyvault://, awskms://, gcpkms:// or hashivault://",
    schema: z.union([z.literal("passphrase"), address("azurekeyvault", "awskms", "gcpkms", "hashivault")]),
  },
  PULUMI_CONFIG_PASSPHRASE: {
    default: "made once and kept in TIERLIFT_HOME/pulumi/passphrase",
    meaning: "The passphrase of the passphrase provider",
    allowed: "not empty",
    schema: text,
    secret: true,
  },
  PULUMI_CONFIG_PASSPHRASE_FILE: {
    default: "",
    meaning: "A file with the passphrase, instead of PULUMI_CONFIG_PASSPHRASE",
    allowed: "a file",
    schema: text,
  },
  TIERLIFT_PROVIDER_AZURE_NATIVE: { ...plugin, meaning: "The azure-native plugin (local target)" },
  TIERLIFT_PROVIDER_KUBERNETES: { ...plugin, meaning: "The kubernetes plugin (local target)" },
  TIERLIFT_PROVIDER_COMMAND: { ...plugin, meaning: "The command plugin (local target)" },
  TIERLIFT_ARM_RETRY_SECONDS: {
    default: "20,60,120, as the official plugin",
    meaning:
      "Waits of the azure-native plugin before it repeats a request that was refused without Retry-After (local target)",
    allowed: "numbers of seconds from 0.001 to 3600, separated by commas",
    schema: z
      .string()
      .transform((list) => list.split(",").map(Number))
      .pipe(z.array(z.number().min(0.001).max(3600))),
  },
  PLATFORM_ZONE: {
    default: "matih.ai",
    meaning: "The DNS zone that tenants' zones are delegated from",
    allowed: "a domain name in lower case",
    schema: z.string().regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/),
  },
  PLATFORM_REGION: {
    default: "westeurope",
    meaning: "Azure region of the platform's own resources",
    allowed: "an Azure region such as westeurope",
    schema: z.string().regex(/^[a-z][a-z0-9]+$/),
  },
  IMAGE_REGISTRY: {
    default: "matihlabsacr.azurecr.io/matih",
    meaning: "Registry and path of the services' images",
    allowed: "a registry and a path, without a scheme",
    schema: z.string().regex(/^[a-z0-9][a-z0-9.:-]*(\/[a-z0-9._-]+)*$/),
  },
  IMAGE_TAG: {
    default: "needed on azure; any on local, where nothing is pulled",
    meaning: "Tag of the services' images, `<YYYYMMDD>-<commit>`",
    allowed: "an image tag: letters, digits, `_`, `.` and `-`, at most 128",
    schema: z.string().regex(/^[\w][\w.-]{0,127}$/),
  },
  DNS_TTL_SECONDS: {
    default: "300 (azure), 10 (local)",
    meaning: "Time to live of tenants' records",
    allowed: "a whole number from 1 to 86400",
    schema: seconds(86_400),
  },
  DNS_CUTOVER_TTL_SECONDS: {
    default: "60 (azure), 1 (local)",
    meaning: "Time to live around a cutover; lowered at least one old time to live ahead of the switch",
    allowed: "a whole number from 1 to 86400",
    schema: seconds(86_400),
  },
  CUTOVER_FREEZE_SECONDS: {
    default: "2",
    meaning: "How long a cutover may keep the tenant's writes frozen before it is taken back",
    allowed: "a whole number from 1 to 86400",
    schema: seconds(86_400),
  },
  CUTOVER_GRACE_SECONDS: {
    default: "0",
    meaning:
      "How long after the switch a rollback still brings everything back; the shared side stays until then",
    // Brokers forget in 7 days how far a mover was that has nothing to do (offsets.retention.minutes).
    allowed: "a whole number from 0 to 518400",
    schema: wholeNumber(0, 518_400),
  },
  KAFKA_CONSUMER_OFFSETS: {
    default: "earliest",
    meaning:
      "Where a tenant's consumer groups begin in its own namespace: with its earliest record, or where they were",
    allowed: "earliest or same-record",
    schema: z.enum(CONSUMER_OFFSETS),
  },
  VERIFICATION_WINDOW_HOURS: {
    default: "72",
    meaning: "How long a tenant may try its new infrastructure",
    allowed: "a whole number from 1 to 8760",
    schema: wholeNumber(1, 8_760),
  },
  REVIEW_REQUIRED: {
    default: "false",
    meaning: "Whether a platform administrator approves the preview before anything is made",
    allowed: "true or false",
    schema: flag,
  },
  OPERATION_TIMEOUT_MINUTES: {
    default: "10 (local); each phase's own, 30 to 1440 (azure)",
    meaning: "Longest time of one try of a phase",
    allowed: "a whole number from 1 to 2880",
    schema: wholeNumber(1, 2_880),
  },
  ARM_SUBSCRIPTION_ID: {
    ...id,
    default: "needed on azure",
    meaning: "The platform's subscription (azure); also AZURE_SUBSCRIPTION_ID",
  },
  ARM_TENANT_ID: {
    ...id,
    default: "needed on azure",
    meaning: "Directory of the platform's subscription and principal (azure); also AZURE_TENANT_ID",
  },
  ARM_CLIENT_ID: { ...id, meaning: "The platform's principal (azure); also AZURE_CLIENT_ID" },
  ARM_CLIENT_SECRET: {
    default: "the ambient credential: workload identity, managed identity, az login",
    meaning: "The principal's secret (azure); also AZURE_CLIENT_SECRET",
    allowed: "not empty",
    schema: text,
    secret: true,
  },
  AZURE_SUBSCRIPTION_ID: { ...id, meaning: "As ARM_SUBSCRIPTION_ID, which goes first" },
  AZURE_TENANT_ID: { ...id, meaning: "As ARM_TENANT_ID, which goes first" },
  AZURE_CLIENT_ID: { ...id, meaning: "As ARM_CLIENT_ID, which goes first" },
  AZURE_CLIENT_SECRET: {
    default: "",
    meaning: "As ARM_CLIENT_SECRET, which goes first",
    allowed: "not empty",
    schema: text,
    secret: true,
  },
  PLATFORM_KEY_VAULT_URL: {
    default: "needed on azure",
    meaning: "The vault that tenants' secret references and the password seed are read from",
    allowed: "an https address",
    schema: address("https"),
  },
  CERTIFICATE_ISSUER: {
    default: "letsencrypt",
    meaning: "The cert-manager ClusterIssuer of tenants' certificates (azure)",
    allowed: "a Kubernetes name",
    schema: z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/),
  },
} as const satisfies Record<string, Variable>;
export type VariableName = keyof typeof VARIABLES;

/** The table as README shows it. */
export function describeVariables(): string {
  const rows = Object.entries(VARIABLES as Record<string, Variable>).map(
    ([name, variable]) => `| \`${name}\` | ${variable.default || "–"} | ${variable.meaning} |`,
  );
  return ["| variable | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}
