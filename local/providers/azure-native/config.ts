/** What a provider instance is told: its configuration, else the environment, by azure-native's names. */

export interface Settings {
  subscriptionId: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
  /** `host[:port]` of a cloud that answers `/metadata/endpoints`; empty for the public one. */
  metadataHost: string;
  /** `public`, `usgovernment`, `china`, or the name that the metadata give. */
  environment: string;
  /** The location of resources that name none, before that of their group. */
  location: string;
  /** Without it the state is what a write answers. */
  readAfterWrite: boolean;
  /** Ways to sign in that were asked for and that this plugin does not have. */
  unsupported: string[];
}

/** Environment variable with the waits before repetitions, milliseconds, separated by commas. */
export const RETRY_DELAYS_VARIABLE = "TIERLIFT_ARM_RETRY_MS";

/** The waits that the environment asks for; undefined where it asks for none. */
export function readRetryDelays(environment: NodeJS.ProcessEnv): number[] | undefined {
  return environment[RETRY_DELAYS_VARIABLE]?.split(",").map(Number);
}

/** A configuration value as the engine sends it: text, with anything but text as JSON in it. */
export type ConfigValues = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const isTrue = (value: unknown): boolean => value === true || /^(true|1)$/i.test(text(value));

/** Configuration key → environment variable, where the SDK and the official plugin know one. */
const variables = {
  subscriptionId: "ARM_SUBSCRIPTION_ID",
  tenantId: "ARM_TENANT_ID",
  clientId: "ARM_CLIENT_ID",
  clientSecret: "ARM_CLIENT_SECRET",
  metadataHost: "ARM_METADATA_HOSTNAME",
  environment: "ARM_ENVIRONMENT",
  location: "ARM_LOCATION",
} as const;

const otherWays = {
  useOidc: "ARM_USE_OIDC",
  useMsi: "ARM_USE_MSI",
  useDefaultAzureCredential: "ARM_USE_DEFAULT_AZURE_CREDENTIAL",
  clientCertificatePath: "ARM_CLIENT_CERTIFICATE_PATH",
} as const;

/** Merges the instance's configuration and the environment; a given but empty key counts as not given. */
export function readSettings(config: ConfigValues, environment: NodeJS.ProcessEnv): Settings {
  const of = (key: keyof typeof variables): string =>
    text(config[key]) || (environment[variables[key]] ?? "");
  return {
    subscriptionId: of("subscriptionId"),
    tenantId: of("tenantId"),
    clientId: of("clientId"),
    clientSecret: of("clientSecret"),
    metadataHost: of("metadataHost"),
    environment: of("environment") || "public",
    location: of("location"),
    readAfterWrite: !isTrue(environment["ARM_SKIP_READ_ON_UPDATE"]),
    unsupported: Object.entries(otherWays)
      .filter(([key, variable]) => {
        const value = config[key] ?? environment[variable];
        return key === "clientCertificatePath" ? text(value) !== "" : isTrue(value);
      })
      .map(([key]) => key),
  };
}
