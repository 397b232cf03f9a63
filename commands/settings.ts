/** What an installation decides by environment: parsed and checked once, before anything starts. */
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { z } from "zod";
import type { ConsumerOffsets } from "../stacks/spec.ts";
import { PLUGIN_NAMES, type PluginName } from "./targets/target.ts";
import { VARIABLES, type VariableName } from "./variables.ts";

export interface Settings {
  /** 0 takes a free one. */
  port: number;
  /** TIERLIFT_HOME, absolute. */
  home: string;
  target: "local" | "azure";
  tokens: TokenSettings;
  /** Where stacks' states are kept. */
  backendUrl: string;
  secretsProvider: string;
  /** Of the passphrase provider: from the environment, from a file, or made once and kept in TIERLIFT_HOME. */
  passphrase: { from: "environment"; value: string } | { from: "file"; file: string } | { from: "home" };
  /** Plugins other than this project's own: a folder, or `official`. Local target only. */
  replacedPlugins: Partial<Record<PluginName, string>>;
  /** Waits of this project's azure-native plugin before its repetitions; null for those of the official one. */
  armRetryDelaysMs: number[] | null;
  zoneName: string;
  platformRegion: string;
  images: { registry: string; tag: string };
  recordTtlSeconds: number;
  cutoverTtlSeconds: number;
  freezeBudgetMs: number;
  graceMs: number;
  consumerOffsets: ConsumerOffsets;
  verificationWindowMs: number;
  reviewRequired: boolean;
  /** For every phase; null leaves each phase its own. */
  operationTimeoutMs: number | null;
  /** Present on the azure target only. */
  azure?: AzureSettings;
}

export interface TokenSettings {
  /** `home`: a secret made once and kept in TIERLIFT_HOME. */
  key: { from: "secret"; secret: string } | { from: "jwks"; url: string } | { from: "home" };
  issuer?: string;
  audience?: string;
}

export interface AzureSettings {
  subscriptionId: string;
  azureTenantId: string;
  clientId?: string;
  clientSecret?: string;
  platformVaultUrl: string;
  /** The cert-manager issuer that signs tenants' certificates. */
  certificateIssuer: string;
  /** What the official plugins sign in by, when no client secret is given. */
  environment: Record<string, string>;
}

/** A wrong environment; the message names the variable, its value when that is no secret, and what is allowed. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

type Values = { [Name in VariableName]?: z.output<(typeof VARIABLES)[Name]["schema"]> };

/**
 * Turns an environment into settings. Throws a SettingsError for the first variable that is wrong. Empty variables
 * count as absent.
 * @param checkout - the folder that a relative TIERLIFT_HOME or plugin folder starts from
 */
export function parseSettings(env: NodeJS.ProcessEnv, checkout: string): Settings {
  const values = parseVariables(env);
  const target = values.TIERLIFT_TARGET ?? "local";
  const local = target === "local";
  const home = path.resolve(checkout, values.TIERLIFT_HOME ?? ".tierlift");
  const recordTtlSeconds = values.DNS_TTL_SECONDS ?? (local ? 10 : 300);
  const cutoverTtlSeconds = values.DNS_CUTOVER_TTL_SECONDS ?? (local ? 1 : 60);
  if (cutoverTtlSeconds > recordTtlSeconds)
    throw new SettingsError(
      `DNS_CUTOVER_TTL_SECONDS is ${cutoverTtlSeconds}: it must be at most DNS_TTL_SECONDS, ${recordTtlSeconds}.`,
    );
  const minutes = values.OPERATION_TIMEOUT_MINUTES ?? (local ? 10 : null);
  return {
    port: values.PORT ?? 8082,
    home,
    target,
    tokens: tokensOf(values, target),
    backendUrl: values.PULUMI_BACKEND_URL ?? pathToFileURL(path.join(home, "pulumi", "backend")).href,
    secretsProvider: values.PULUMI_SECRETS_PROVIDER ?? "passphrase",
    passphrase: passphraseOf(values, checkout),
    replacedPlugins: pluginsOf(env, values, target, checkout),
    armRetryDelaysMs: values.TIERLIFT_ARM_RETRY_SECONDS?.map((delay) => delay * 1000) ?? null,
    zoneName: values.PLATFORM_ZONE ?? "matih.ai",
    platformRegion: values.PLATFORM_REGION ?? "westeurope",
    images: {
      registry: values.IMAGE_REGISTRY ?? "matihlabsacr.azurecr.io/matih",
      tag: imageTagOf(values, target),
    },
    recordTtlSeconds,
    cutoverTtlSeconds,
    freezeBudgetMs: (values.CUTOVER_FREEZE_SECONDS ?? 2) * 1000,
    graceMs: (values.CUTOVER_GRACE_SECONDS ?? 0) * 1000,
    consumerOffsets: values.KAFKA_CONSUMER_OFFSETS ?? "earliest",
    verificationWindowMs: (values.VERIFICATION_WINDOW_HOURS ?? 72) * 3_600_000,
    reviewRequired: values.REVIEW_REQUIRED ?? false,
    operationTimeoutMs: minutes === null ? null : minutes * 60_000,
    ...(local ? {} : { azure: azureOf(env, values) }),
  };
}

function parseVariables(env: NodeJS.ProcessEnv): Values {
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(VARIABLES)) {
    const text = env[name];
    if (text === undefined || text === "") continue;
    const parsed = variable.schema.safeParse(text);
    if (!parsed.success) {
      const shown = "secret" in variable ? "wrong" : JSON.stringify(text);
      throw new SettingsError(`${name} is ${shown}: ${variable.allowed}.`);
    }
    values[name] = parsed.data;
  }
  return values;
}

function tokensOf(values: Values, target: Settings["target"]): TokenSettings {
  const { JWT_SECRET: secret, JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = values;
  const checked = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  if (secret !== undefined && url !== undefined)
    throw new SettingsError(
      "JWT_SECRET and JWKS_URL are both set: tokens are checked by one of them; unset the other.",
    );
  if (url !== undefined) return { key: { from: "jwks", url }, ...checked };
  if (secret !== undefined) {
    // RFC 7518, 3.2: a key of at least the hash's size. Clients that try the local target may take what they like.
    if (target === "azure" && Buffer.byteLength(secret) < 32)
      throw new SettingsError("JWT_SECRET is too short: at least 32 bytes.");
    return { key: { from: "secret", secret }, ...checked };
  }
  if (target === "azure")
    throw new SettingsError(
      "JWT_SECRET and JWKS_URL are absent: with TIERLIFT_TARGET=azure one of them is needed.",
    );
  return { key: { from: "home" }, ...checked };
}

function passphraseOf(values: Values, checkout: string): Settings["passphrase"] {
  const { PULUMI_CONFIG_PASSPHRASE: value, PULUMI_CONFIG_PASSPHRASE_FILE: file } = values;
  if (value !== undefined) return { from: "environment", value };
  return file === undefined ? { from: "home" } : { from: "file", file: path.resolve(checkout, file) };
}

function pluginsOf(env: NodeJS.ProcessEnv, values: Values, target: Settings["target"], checkout: string) {
  const replaced: Settings["replacedPlugins"] = {};
  for (const name of Object.keys(env))
    if (name.startsWith("TIERLIFT_PROVIDER_") && !(name in VARIABLES))
      throw new SettingsError(
        `${name} names no plugin: ${PLUGIN_NAMES.map(variableOf).join(", ")} are known.`,
      );
  for (const plugin of PLUGIN_NAMES) {
    const value = values[variableOf(plugin)];
    if (value === undefined) continue;
    if (target === "azure" && value !== "official")
      throw new SettingsError(
        `${variableOf(plugin)} is ${JSON.stringify(value)}: the azure target takes official only.`,
      );
    const folder = value === "official" ? value : path.resolve(checkout, value);
    if (folder !== "official" && !existsSync(path.join(folder, `pulumi-resource-${plugin}`)))
      throw new SettingsError(
        `${variableOf(plugin)} is ${JSON.stringify(value)}: a folder that holds pulumi-resource-${plugin}, or official.`,
      );
    replaced[plugin] = folder;
  }
  return replaced;
}

function variableOf(plugin: PluginName) {
  return `TIERLIFT_PROVIDER_${plugin.toUpperCase().replace("-", "_")}` as Extract<
    VariableName,
    `TIERLIFT_PROVIDER_${string}`
  >;
}

function imageTagOf(values: Values, target: Settings["target"]): string {
  if (values.IMAGE_TAG !== undefined) return values.IMAGE_TAG;
  if (target === "azure")
    throw new SettingsError(
      "IMAGE_TAG is absent: with TIERLIFT_TARGET=azure it says which images are deployed.",
    );
  // Nothing is pulled on the local target.
  return "20260212-0000000";
}

function azureOf(env: NodeJS.ProcessEnv, values: Values): AzureSettings {
  const subscriptionId = values.ARM_SUBSCRIPTION_ID ?? values.AZURE_SUBSCRIPTION_ID;
  const azureTenantId = values.ARM_TENANT_ID ?? values.AZURE_TENANT_ID;
  const clientId = values.ARM_CLIENT_ID ?? values.AZURE_CLIENT_ID;
  const clientSecret = values.ARM_CLIENT_SECRET ?? values.AZURE_CLIENT_SECRET;
  const absent = (name: string, what: string) =>
    new SettingsError(`${name} is absent: with TIERLIFT_TARGET=azure it names ${what}.`);
  if (!subscriptionId) throw absent("ARM_SUBSCRIPTION_ID", "the platform's subscription");
  if (!azureTenantId)
    throw absent("ARM_TENANT_ID", "the directory that the platform's cluster and vault ask");
  if (!values.PLATFORM_KEY_VAULT_URL)
    throw absent("PLATFORM_KEY_VAULT_URL", "the vault that holds tenants' client secrets");
  if (clientSecret && !clientId)
    throw new SettingsError("ARM_CLIENT_SECRET is set without ARM_CLIENT_ID: set both or none.");
  requireStateAddresses(env, values);
  const signIn = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && /^(ARM|AZURE|IDENTITY|MSI)_/.test(entry[0]),
  );
  return {
    subscriptionId,
    azureTenantId,
    ...(clientId && { clientId }),
    ...(clientSecret && { clientSecret }),
    platformVaultUrl: values.PLATFORM_KEY_VAULT_URL,
    certificateIssuer: values.CERTIFICATE_ISSUER ?? "letsencrypt",
    environment: Object.fromEntries(signIn),
  };
}

/** What the engine would tell only when the first stack is opened. */
function requireStateAddresses(env: NodeJS.ProcessEnv, values: Values): void {
  const { PULUMI_BACKEND_URL: backend, PULUMI_SECRETS_PROVIDER: secrets } = values;
  if (backend?.startsWith("azblob:")) {
    const { host, searchParams } = new URL(backend);
    if (!host || !(searchParams.get("storage_account") ?? env["AZURE_STORAGE_ACCOUNT"]))
      throw new SettingsError(
        `PULUMI_BACKEND_URL is ${JSON.stringify(backend)}: azblob://<container>?storage_account=<account>.`,
      );
  }
  if (secrets?.startsWith("azurekeyvault:") && !/^azurekeyvault:\/\/[^/]+\/keys\/[^/]+/.test(secrets))
    throw new SettingsError(
      `PULUMI_SECRETS_PROVIDER is ${JSON.stringify(secrets)}: azurekeyvault://<vault>.vault.azure.net/keys/<key>.`,
    );
}
