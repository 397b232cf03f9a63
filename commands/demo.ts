/**
 * `npm run demo [-- --keep]`: a tenant's upgrade from STARTER to PROFESSIONAL on this machine, over the REST API, from
 * an empty TIERLIFT_HOME to the last check. The last line says how it ended; `--keep` leaves everything running.
 */
import path from "node:path";
import { createClient } from "../cli/client.ts";
import { ClientError } from "../cli/errors.ts";
import { isPortFree } from "../local/ports.ts";
import { SetupError } from "../setup/errors.ts";
import { ensureParts } from "../setup/parts.ts";
import { CommandError, exitCodeOf, parseOptions, runCommandLine } from "./command-line.ts";
import { prepareDemoHome } from "./demo/home.ts";
import { startBeside, type RunningInstallation } from "./demo/running.ts";
import { playDemo } from "./demo/script.ts";
import { eventsToken, storageToken } from "./demo/sign-in.ts";
import type { Person, Stage } from "./demo/stage.ts";
import { readConnection } from "./endpoints.ts";
import { ensureHome, ensureJwtSecret, type Home } from "./home.ts";
import { mintToken } from "./mint-token.ts";
import { parseSettings, type Settings, SettingsError } from "./settings.ts";

// Standard output alone, so that the last line is the last line.
const print = (line: string) => console.log(line);
const seconds = () => Math.round(performance.now() / 1000);

await runCommandLine(async ({ args, signal }) => {
  try {
    const options = { keep: { type: "boolean", default: false } } as const;
    await runDemo(parseOptions(args, options, "usage: npm run demo [-- --keep]").keep, signal);
    print(`demo: COMPLETED in ${seconds()} s`);
    return 0;
  } catch (error) {
    const [reason, ...details] = signal.aborted
      ? [`interrupted by ${String(signal.reason)}`]
      : reasonOf(error).split("\n");
    for (const line of details) print(line);
    print(`demo: FAILED: ${reason}`);
    return signal.aborted ? exitCodeOf(signal) : exitCodeAfter(error);
  }
});

async function runDemo(keep: boolean, signal: AbortSignal): Promise<void> {
  const settings = parseSettings(process.env, path.resolve(import.meta.dirname, ".."));
  if (settings.target !== "local")
    throw new SettingsError("TIERLIFT_TARGET is azure: the demo is for the local target.");
  const parts = await ensureParts({ log: print, signal });
  const absent = Object.values(parts).flatMap((part: object | string) =>
    typeof part === "object" && "absent" in part ? [String(part.absent)] : [],
  );
  await prepareDemoHome(settings.home);
  const home = await ensureHome(settings.home);
  const installation = await startBeside(home, { env: await environment(settings), log: print, signal });
  const failed = installation.failed.then((sentence) => {
    throw new CommandError(sentence);
  });
  // Raced below; where that is not reached, the reason it is not reached is the one to tell.
  failed.catch(() => undefined);
  let kept = false;
  try {
    const stage = { ...(await setStage(settings, home, installation, signal)), absent };
    await Promise.race([playDemo(stage), failed]);
    if (!keep) return;
    await explain(settings, home, installation);
    await installation.keep();
    kept = true;
  } finally {
    if (!kept) await installation.stop();
  }
}

/** The usual port, or a free one where it is taken and nobody asked for it. */
async function environment({ port }: Settings): Promise<NodeJS.ProcessEnv> {
  if (process.env.PORT || (await isPortFree(port))) return process.env;
  print(`demo: port ${port} is taken, so the API gets another one`);
  return { ...process.env, PORT: "0" };
}

async function setStage(
  settings: Settings,
  home: Home,
  installation: RunningInstallation,
  signal: AbortSignal,
): Promise<Omit<Stage, "absent">> {
  const { api } = await installation.endpoints();
  const clientOf = async (person: Person) =>
    createClient({
      api,
      token: await tokenOf(settings, home, person),
      onCommand: (line) => print(`  ${line}`),
      signal,
    });
  return {
    endpoints: installation.endpoints,
    clientOf,
    storageToken: async (whose) => storageToken((await readConnection(home))!, whose),
    eventsToken: async (whose, namespace) => eventsToken((await readConnection(home))!, whose, namespace),
    zone: settings.zoneName,
    print,
    signal,
  };
}

async function tokenOf({ tokens }: Settings, home: Home, person: Person): Promise<string> {
  const { key, issuer, audience } = tokens;
  if (key.from === "jwks")
    throw new SettingsError("JWKS_URL is set: the demo signs its own tokens; unset it.");
  const secret = key.from === "secret" ? key.secret : await ensureJwtSecret(home);
  return mintToken({
    ...person,
    secret,
    lifetimeMs: 8 * 3_600_000,
    ...(issuer && { issuer }),
    ...(audience && { audience }),
  });
}

async function explain(settings: Settings, home: Home, installation: RunningInstallation): Promise<void> {
  const { api, arm, ca, dns, clusters, postgres, blobs, cache, kafka } = await installation.endpoints();
  const token = await tokenOf(settings, home, { subject: "operator", roles: ["PLATFORM_ADMIN"] });
  print("\n5. Everything stays");
  print(`  addresses   ${home.endpointsFile}`);
  print(`  REST API    ${api}/api/v1`);
  print(`  ARM         ${arm} (CA ${ca})`);
  print(`  DNS         dig @${dns.host} -p ${dns.port} api.acme.${settings.zoneName}`);
  for (const { name, kubeconfig } of clusters) print(`  cluster     ${name}: ${kubeconfig}`);
  for (const { host, port, user, passwordFile } of postgres)
    print(`  PostgreSQL  ${user}@${host}:${port}, password in ${passwordFile}`);
  for (const { endpoint } of blobs) print(`  blobs       ${endpoint}`);
  for (const { host, port, passwordFile } of cache ?? [])
    print(`  Redis       ${host}:${port} (TLS), access key in ${passwordFile}`);
  for (const { bootstrapServers } of kafka ?? []) print(`  Kafka       ${bootstrapServers}`);
  print(`  stacks      npm run pulumi -- stack ls`);
  print(`  token       ${token}`);
  print(`  stop        npm stop (or: kill ${installation.pid})`);
}

/** Expected errors in their own words, anything else as the bug that it is. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = [CommandError, ClientError, SetupError, SettingsError].some(
    (kind) => error instanceof kind,
  );
  return expected ? error.message : (error.stack ?? error.message);
}

function exitCodeAfter(error: unknown): number {
  if (error instanceof SettingsError) return 2;
  return error instanceof CommandError ? error.exitCode : 1;
}
