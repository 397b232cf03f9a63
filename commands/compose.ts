/** Automation with everything that touches the world: engine, Key Vault, directory, zones, data command. */
import path from "node:path";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";
import { checkServicePrincipal } from "../automation/azure/service-principal.ts";
import { createSecretResolver } from "../automation/azure/key-vault.ts";
import { createStoreLogins } from "../automation/store-logins.ts";
import { createDataRunner } from "../automation/data-command.ts";
import type { DataRunner } from "../automation/data-command.ts";
import { createDnsResolver } from "../automation/dns.ts";
import type { StackEngine } from "../automation/engine/engine.ts";
import { createStackEngine, PROGRAM_MODULE } from "../automation/engine/stack-engine.ts";
import type { StackEngineOptions } from "../automation/engine/stack-engine.ts";
import type { Logger } from "../automation/logger.ts";
import { systemClock } from "../automation/ports.ts";
import type { Ports } from "../automation/ports.ts";
import { DEFAULT_SETTINGS } from "../automation/settings.ts";
import type { TierliftSettings } from "../automation/settings.ts";
import { createInventory } from "../automation/verification/inventory.ts";
import { createSliceReader } from "../automation/verification/slice.ts";
import { createVerifier } from "../automation/verification/verify.ts";
import { planQuota } from "../stacks/quota.ts";
import type { OptionalStore } from "../stacks/spec.ts";
import { engineEnvironment } from "./engine-environment.ts";
import type { Home } from "./home.ts";
import { bundlesVariable, planDataCommand, runSource } from "./own-programs.ts";
import type { Settings } from "./settings.ts";
import type { Target } from "./targets/target.ts";

/** What processes of ours may see of this process's environment; nothing else reaches programs and plugins. */
const PASSED_ON = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "HTTPS_PROXY", "NO_PROXY"] as const;
const PLATFORM_STACK_REFERENCE = "organization/tierlift/platform";

export interface Composition {
  engine: StackEngine;
  ports: Ports;
  tierliftSettings: TierliftSettings;
}

export interface CompositionOptions {
  settings: Settings;
  home: Home;
  target: Target;
  engineRoot: string;
  /** Folder with engine process, programs and plugins as one file each; without it the sources are run. */
  bundles?: string;
}

/** Where engine operations find engine, backend, programs and plugins, and their whole environment. */
export async function planEngine({
  settings,
  home,
  target,
  engineRoot,
  bundles,
}: CompositionOptions): Promise<StackEngineOptions> {
  return {
    ...(bundles === undefined ? {} : { childModule: path.join(bundles, "child.mjs") }),
    workspace: {
      engineRoot,
      pulumiHome: home.pulumi.home,
      backendUrl: settings.backendUrl,
      secretsProvider: settings.secretsProvider,
      workRoot: home.pulumi.work,
      plugins: target.plugins,
      ...(target.hostedPlugins.length === 0
        ? {}
        : { pluginHost: planPluginHost(target.hostedPlugins, bundles) }),
      programModule:
        bundles === undefined ? PROGRAM_MODULE : pathToFileURL(path.join(bundles, "program.mjs")).href,
    },
    environment: {
      ...passedOn(),
      ...target.environment,
      ...(await engineEnvironment(settings, home)),
      ...bundlesVariable(bundles),
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: target.plugins.length > 0 ? "true" : "false",
    },
  };
}

export async function composeAutomation(
  options: CompositionOptions & { logger: Logger },
): Promise<Composition> {
  const { settings, target, bundles, logger } = options;
  const environment = { ...passedOn(), ...target.environment };
  const dataCommand = planDataCommand();
  const engine = createStackEngine(await planEngine(options));
  const resolveSecret = createSecretResolver({
    platformVaultUrl: target.platformVaultUrl,
    credential: target.credential,
    verifyChallenge: target.cloud.instanceDiscovery,
  });
  const runner = createDataRunner({
    command: dataCommand,
    environment: { ...environment, ...bundlesVariable(bundles) },
    consumerOffsets: settings.consumerOffsets,
    signIn: createStoreLogins({ program: target.program, resolveSecret }),
    onProgress: (verb, line) => logger.info({ verb, line }, "data command"),
  });
  const data = withoutAbsent(runner, target.program.absentStores);
  const ports = createPorts({ settings, target, engine, resolveSecret, data });
  return { engine, ports, tierliftSettings: await planSettings(settings, target, dataCommand) };
}

type DataPorts = Pick<Ports, "runData" | "runBlobs" | "runCache" | "runKafka">;

/** What the cloud has no store for is not run. */
function withoutAbsent(runner: DataRunner, absent: readonly OptionalStore[] = []): DataPorts {
  const { runCache, runKafka, ...always } = runner;
  return {
    ...always,
    ...(absent.includes("cache") ? {} : { runCache }),
    ...(absent.includes("kafka") ? {} : { runKafka }),
  };
}

function createPorts(options: {
  settings: Settings;
  target: Target;
  engine: StackEngine;
  resolveSecret: Ports["resolveSecret"];
  data: DataPorts;
}): Ports {
  const { settings, target, engine, resolveSecret, data } = options;
  const { cloud, credential } = target;
  const resolveDns = createDnsResolver(target.dnsServers);
  return {
    resolveSecret,
    resolveDns,
    ...data,
    checkServicePrincipal: async (credentials, region, tier, signal) => {
      const clientSecret = await resolveSecret(credentials.clientSecretRef, signal);
      return checkServicePrincipal({
        cloud,
        credentials,
        clientSecret,
        region,
        needs: planQuota(tier),
        signal,
      });
    },
    ...createInventory({
      cloud,
      credential,
      platformSubscriptionId: target.program.platform.subscriptionId,
      zoneName: settings.zoneName,
      resolveSecret,
      resolveDns,
      ...data,
    }),
    digestSlice: createSliceReader({ engine, ...data }),
    verify: createVerifier({ engine, resolveDns, ...data, clock: systemClock, zoneName: settings.zoneName }),
    issueCertificate: target.issueCertificate,
    clock: systemClock,
    newId: randomUUID,
  };
}

async function planSettings(
  settings: Settings,
  target: Target,
  dataCommand: string[],
): Promise<TierliftSettings> {
  const { images, zoneName, platformRegion, operationTimeoutMs } = settings;
  const { recordTtlSeconds, cutoverTtlSeconds, reviewRequired } = settings;
  const { verificationWindowMs, freezeBudgetMs, graceMs } = settings;
  return {
    ...DEFAULT_SETTINGS,
    program: {
      ...target.program,
      images,
      dataCommand,
      consumerOffsets: settings.consumerOffsets,
      platformStack: PLATFORM_STACK_REFERENCE,
    },
    passwordSeed: await target.passwordSeed(),
    zoneName,
    platformRegion,
    recordTtlSeconds,
    cutoverTtlSeconds,
    reviewRequired,
    verificationWindowMs,
    freezeBudgetMs,
    graceMs,
    ...(operationTimeoutMs === null ? {} : { phaseTimeoutMs: { default: operationTimeoutMs } }),
  };
}

function planPluginHost(names: string[], bundles: string | undefined): string[] {
  const host =
    bundles === undefined
      ? runSource("local/providers/host/main.ts")
      : [process.execPath, path.join(bundles, "host.mjs")];
  return [...host, ...names];
}

function passedOn(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
