/** Automation with everything that touches the world: engine, Key Vault, directory, zones, data command. */
import path from "node:path";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { checkServicePrincipal } from "../automation/azure/service-principal.ts";
import { createSecretResolver } from "../automation/azure/key-vault.ts";
import { createStoreLogins } from "../automation/store-logins.ts";
import { createDataRunner } from "../automation/data-command.ts";
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
import { engineEnvironment } from "./engine-environment.ts";
import type { Home } from "./home.ts";
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
      ...(bundles === undefined ? {} : { TIERLIFT_PLUGIN_BUNDLES: bundles }),
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
  const { runKafka, ...others } = createDataRunner({
    // The stacks keep the command that stays the same from one version to the next; a bundle's path does not.
    command: bundles === undefined ? dataCommand : [process.execPath, path.join(bundles, "data.mjs")],
    environment,
    signIn: createStoreLogins({ program: target.program, resolveSecret }),
    onProgress: (verb, line) => logger.info({ verb, line }, "data command"),
  });
  const isWithoutKafka = target.program.absentStores?.includes("kafka") ?? false;
  const data = isWithoutKafka ? others : { ...others, runKafka };
  const ports = createPorts({ settings, target, engine, resolveSecret, data });
  return { engine, ports, tierliftSettings: await planSettings(settings, target, dataCommand) };
}

function createPorts(options: {
  settings: Settings;
  target: Target;
  engine: StackEngine;
  resolveSecret: Ports["resolveSecret"];
  data: Pick<Ports, "runData" | "runBlobs" | "runKafka">;
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
  const { recordTtlSeconds, cutoverTtlSeconds, reviewRequired, verificationWindowMs, freezeBudgetMs } =
    settings;
  return {
    ...DEFAULT_SETTINGS,
    program: { ...target.program, images, dataCommand, platformStack: PLATFORM_STACK_REFERENCE },
    passwordSeed: await target.passwordSeed(),
    zoneName,
    platformRegion,
    recordTtlSeconds,
    cutoverTtlSeconds,
    reviewRequired,
    verificationWindowMs,
    freezeBudgetMs,
    ...(operationTimeoutMs === null ? {} : { phaseTimeoutMs: { default: operationTimeoutMs } }),
  };
}

/** This project's own data mover, under the node that runs the service. */
function planDataCommand(): string[] {
  return runSource("automation/data/main.ts");
}

function planPluginHost(names: string[], bundles: string | undefined): string[] {
  const host =
    bundles === undefined
      ? runSource("local/providers/host/main.ts")
      : [process.execPath, path.join(bundles, "host.mjs")];
  return [...host, ...names];
}

/** A module of this project under the node that runs the service; its path stays the same from version to version. */
function runSource(module: string): string[] {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [process.execPath, "--import", loader, path.resolve(import.meta.dirname, "..", module)];
}

function passedOn(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
