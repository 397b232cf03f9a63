import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseSettings, SettingsError } from "../../commands/settings.ts";
import { describeVariables, VARIABLES } from "../../commands/variables.ts";
import { temporaryFolder } from "./processes.ts";

const CHECKOUT = "/checkout";
const AZURE = {
  TIERLIFT_TARGET: "azure",
  JWT_SECRET: "0123456789abcdef0123456789abcdef",
  IMAGE_TAG: "20260101-abc",
  ARM_SUBSCRIPTION_ID: "11111111-1111-1111-1111-111111111111",
  ARM_TENANT_ID: "33333333-3333-3333-3333-333333333333",
  PLATFORM_KEY_VAULT_URL: "https://platform.vault.azure.net/",
};

const problemOf = (env: NodeJS.ProcessEnv): string => {
  try {
    parseSettings(env, CHECKOUT);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("without any variable", () => {
  test("the local target is set up in the checkout", () => {
    expect(parseSettings({}, CHECKOUT)).toEqual({
      port: 8082,
      home: "/checkout/.tierlift",
      target: "local",
      tokens: { key: { from: "home" } },
      backendUrl: "file:///checkout/.tierlift/pulumi/backend",
      secretsProvider: "passphrase",
      passphrase: { from: "home" },
      replacedPlugins: {},
      armRetryDelaysMs: null,
      zoneName: "matih.ai",
      platformRegion: "westeurope",
      images: { registry: "matihlabsacr.azurecr.io/matih", tag: "20260212-0000000" },
      recordTtlSeconds: 10,
      cutoverTtlSeconds: 1,
      freezeBudgetMs: 2_000,
      graceMs: 0,
      consumerOffsets: "earliest",
      verificationWindowMs: 72 * 3_600_000,
      reviewRequired: false,
      operationTimeoutMs: 600_000,
    });
  });

  test("empty variables count as absent", () => {
    const empty = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, ""]));
    expect(parseSettings(empty, CHECKOUT)).toEqual(parseSettings({}, CHECKOUT));
  });
});

test.each([
  ["PORT", "0", { port: 0 }],
  ["TIERLIFT_HOME", "../elsewhere", { home: "/elsewhere" }],
  ["JWT_SECRET", "short", { tokens: { key: { from: "secret", secret: "short" } } }],
  [
    "JWKS_URL",
    "https://id.example/keys",
    { tokens: { key: { from: "jwks", url: "https://id.example/keys" } } },
  ],
  ["JWT_ISSUER", "me", { tokens: { key: { from: "home" }, issuer: "me" } }],
  ["JWT_AUDIENCE", "you", { tokens: { key: { from: "home" }, audience: "you" } }],
  ["PULUMI_BACKEND_URL", "azblob://states", { backendUrl: "azblob://states" }],
  ["PULUMI_CONFIG_PASSPHRASE", "p", { passphrase: { from: "environment", value: "p" } }],
  ["PULUMI_CONFIG_PASSPHRASE_FILE", "p", { passphrase: { from: "file", file: "/checkout/p" } }],
  ["PULUMI_SECRETS_PROVIDER", "azurekeyvault://v/keys/k", { secretsProvider: "azurekeyvault://v/keys/k" }],
  ["TIERLIFT_PROVIDER_AZURE_NATIVE", "official", { replacedPlugins: { "azure-native": "official" } }],
  ["TIERLIFT_ARM_RETRY_SECONDS", "0.5,2", { armRetryDelaysMs: [500, 2000] }],
  ["REVIEW_REQUIRED", "true", { reviewRequired: true }],
  ["CUTOVER_FREEZE_SECONDS", "5", { freezeBudgetMs: 5_000 }],
  ["VERIFICATION_WINDOW_HOURS", "1", { verificationWindowMs: 3_600_000 }],
  ["OPERATION_TIMEOUT_MINUTES", "2", { operationTimeoutMs: 120_000 }],
  ["DNS_TTL_SECONDS", "60", { recordTtlSeconds: 60 }],
])("%s=%s is taken", (name, value, expected) => {
  expect(parseSettings({ [name]: value }, CHECKOUT)).toMatchObject(expected);
});

test.each([
  ["PORT", "x", 'PORT is "x": a whole number from 0 to 65535.'],
  ["PORT", "65536", 'PORT is "65536": a whole number from 0 to 65535.'],
  ["PORT", "80.5", 'PORT is "80.5": a whole number from 0 to 65535.'],
  ["TIERLIFT_TARGET", "aws", 'TIERLIFT_TARGET is "aws": local or azure.'],
  ["JWKS_URL", "http://id.example/keys", 'JWKS_URL is "http://id.example/keys": an https address.'],
  ["REVIEW_REQUIRED", "yes", 'REVIEW_REQUIRED is "yes": true or false.'],
  ["PLATFORM_ZONE", "Matih.AI", 'PLATFORM_ZONE is "Matih.AI": a domain name in lower case.'],
  ["DNS_TTL_SECONDS", "0", 'DNS_TTL_SECONDS is "0": a whole number from 1 to 86400.'],
  ["ARM_TENANT_ID", "contoso", 'ARM_TENANT_ID is "contoso": a UUID.'],
  ["TIERLIFT_PROVIDER_AZURENATIVE", "official", "TIERLIFT_PROVIDER_AZURENATIVE names no plugin"],
  ["TIERLIFT_PROVIDER_COMMAND", "/nowhere", "a folder that holds pulumi-resource-command, or official."],
])("%s=%s is refused by name, with what is allowed", (name, value, sentence) => {
  expect(problemOf({ [name]: value })).toContain(sentence);
});

test("a folder that holds the plugin replaces this project's own", () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, "pulumi-resource-command"), "");
  mkdirSync(path.join(folder, "other"));
  expect(parseSettings({ TIERLIFT_PROVIDER_COMMAND: folder }, CHECKOUT).replacedPlugins).toEqual({
    command: folder,
  });
});

test("two ways to check tokens are refused", () => {
  expect(problemOf({ JWT_SECRET: "a-secret-value", JWKS_URL: "https://id.example/keys" })).toMatch(
    /^JWT_SECRET and JWKS_URL are both set/,
  );
});

test("a time to live around the cutover above the usual one is refused", () => {
  expect(problemOf({ DNS_CUTOVER_TTL_SECONDS: "20" })).toBe(
    "DNS_CUTOVER_TTL_SECONDS is 20: it must be at most DNS_TTL_SECONDS, 10.",
  );
});

describe("on the azure target", () => {
  test("times are the domain's and each phase keeps its own", () => {
    const settings = parseSettings(AZURE, CHECKOUT);
    expect(settings).toMatchObject({
      recordTtlSeconds: 300,
      cutoverTtlSeconds: 60,
      freezeBudgetMs: 2_000,
      graceMs: 0,
      operationTimeoutMs: null,
    });
    expect(settings.azure).toMatchObject({
      subscriptionId: AZURE.ARM_SUBSCRIPTION_ID,
      certificateIssuer: "letsencrypt",
    });
  });

  test.each([
    ["JWT_SECRET", undefined, "one of them is needed"],
    ["JWT_SECRET", "short-secret", "JWT_SECRET is too short: at least 32 bytes."],
    ["IMAGE_TAG", undefined, "IMAGE_TAG is absent"],
    ["ARM_SUBSCRIPTION_ID", undefined, "ARM_SUBSCRIPTION_ID is absent"],
    ["PLATFORM_KEY_VAULT_URL", undefined, "PLATFORM_KEY_VAULT_URL is absent"],
    [
      "ARM_TENANT_ID",
      undefined,
      "ARM_TENANT_ID is absent: with TIERLIFT_TARGET=azure it names the directory",
    ],
    ["ARM_CLIENT_SECRET", "hidden", "set both or none"],
    ["PULUMI_BACKEND_URL", "azblob://states", "azblob://<container>?storage_account=<account>"],
    [
      "PULUMI_SECRETS_PROVIDER",
      "azurekeyvault://vault",
      "azurekeyvault://<vault>.vault.azure.net/keys/<key>",
    ],
    ["TIERLIFT_PROVIDER_COMMAND", "/folder", "the azure target takes official only"],
  ])("%s=%s is refused", (name, value, sentence) => {
    const problem = problemOf({ ...AZURE, [name]: value });
    expect(problem).toContain(sentence);
    expect(problem).not.toContain("short-secret");
    expect(problem).not.toContain("hidden");
  });

  test("ARM_ variables go before AZURE_ ones, and all of them reach the engine", () => {
    const env = {
      ...AZURE,
      AZURE_SUBSCRIPTION_ID: "22222222-2222-2222-2222-222222222222",
      AZURE_CLIENT_ID: AZURE.ARM_SUBSCRIPTION_ID,
    };
    const { azure } = parseSettings(env, CHECKOUT);
    expect(azure).toMatchObject({
      subscriptionId: AZURE.ARM_SUBSCRIPTION_ID,
      clientId: AZURE.ARM_SUBSCRIPTION_ID,
    });
    expect(Object.keys(azure!.environment).sort()).toEqual([
      "ARM_SUBSCRIPTION_ID",
      "ARM_TENANT_ID",
      "AZURE_CLIENT_ID",
      "AZURE_SUBSCRIPTION_ID",
    ]);
  });
});

test("a state's container is taken with its account beside it or in AZURE_STORAGE_ACCOUNT", () => {
  const backend = { ...AZURE, PULUMI_BACKEND_URL: "azblob://states" };
  for (const env of [
    { ...backend, PULUMI_BACKEND_URL: "azblob://states?storage_account=acct" },
    { ...backend, AZURE_STORAGE_ACCOUNT: "acct" },
  ])
    expect(parseSettings(env, CHECKOUT).backendUrl).toBe(env.PULUMI_BACKEND_URL);
});

test("the table for people has a row for every variable", () => {
  const rows = describeVariables().split("\n").slice(2);
  expect(rows.map((row) => row.split("`")[1])).toEqual(Object.keys(VARIABLES));
});
