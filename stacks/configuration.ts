/** A program request out of the pulumi command line's configuration. */
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { CONSUMER_OFFSETS, OPTIONAL_STORES, platformSpecSchema, tenantSpecSchema } from "./spec.ts";
import type { ProgramRequest, StackSpec } from "./spec.ts";

const specSchema = z.discriminatedUnion("kind", [platformSpecSchema, tenantSpecSchema]);

const settingsSchema = z.strictObject({
  metadataHost: z.string().optional(),
  platform: z.strictObject({
    clientId: z.string().optional(),
    azureTenantId: z.string().optional(),
    subscriptionId: z.string(),
    useDefaultCredential: z.boolean().default(false),
  }),
  images: z.strictObject({ registry: z.string(), tag: z.string() }),
  absentStores: z.array(z.enum(OPTIONAL_STORES)).optional(),
  consumerOffsets: z.enum(CONSUMER_OFFSETS).optional(),
  certificateIssuer: z.string().optional(),
  dataCommand: z.array(z.string()).min(1),
  platformStack: z.string().default("organization/tierlift/platform"),
});

/** Full keys of the values that the stack's configuration holds encrypted, as the language host hands them over. */
export function readSecretKeys(environment: NodeJS.ProcessEnv): Set<string> {
  return new Set(z.array(z.string()).parse(JSON.parse(environment["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]")));
}

/**
 * Reads the request. Throws with the key when a value is missing, does not fit, or is secret and stored in plain text.
 */
export async function readRequest(config: pulumi.Config, secretKeys: Set<string>): Promise<ProgramRequest> {
  const secret = (key: string): Promise<string | undefined> => readSecret(config, key, secretKeys);
  const spec: StackSpec = parse("spec", specSchema, config.requireObject("spec"));
  const settings = parse("settings", settingsSchema, config.requireObject("settings"));
  const passwordSeed = await secret("passwordSeed");
  if (passwordSeed === undefined) throw missing(config, "passwordSeed");
  const certificatePem = await secret("tlsCertificate");
  const privateKeyPem = await secret("tlsPrivateKey");
  return {
    spec,
    settings: { ...settings, platformClientSecret: await secret("platformClientSecret") },
    secrets: {
      passwordSeed,
      clientSecret: await secret("clientSecret"),
      tls: certificatePem && privateKeyPem ? { certificatePem, privateKeyPem } : undefined,
    },
  };
}

function parse<T>(key: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new pulumi.RunError(
      `Configuration tierlift:${key} does not fit:\n${z.prettifyError(result.error)}`,
    );
  }
  return result.data;
}

/** A secret's value for the closure of the program, which marks it secret again where it enters a resource. */
async function readSecret(
  config: pulumi.Config,
  key: string,
  secretKeys: Set<string>,
): Promise<string | undefined> {
  const value = config.getSecret(key);
  if (!value) return undefined;
  if (!secretKeys.has(`${config.name}:${key}`)) {
    throw new pulumi.RunError(
      `Configuration ${config.name}:${key} is in plain text: set it again with --secret.`,
    );
  }
  return new Promise((resolve) => {
    value.apply(resolve);
  });
}

function missing(config: pulumi.Config, key: string): Error {
  return new pulumi.RunError(
    `Configuration ${config.name}:${key} is missing: pulumi config set --secret ${config.name}:${key}`,
  );
}
