/** An installation of the bench's own, in a temporary home, for as long as it is measured. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createClient, type Client } from "../../cli/client.ts";
import { removeServers } from "../../commands/demo/home.ts";
import { startBeside, type RunningInstallation } from "../../commands/demo/running.ts";
import { ensureHome, ensureJwtSecret, type Home } from "../../commands/home.ts";
import { mintToken } from "../../commands/mint-token.ts";
import { parseSettings, type Settings } from "../../commands/settings.ts";

export interface Stage {
  settings: Settings;
  home: Home;
  /** Of the installation's processes, and of what is started beside it. */
  env: NodeJS.ProcessEnv;
  installation: RunningInstallation;
  admin: Client;
  log: (line: string) => void;
  signal: AbortSignal;
}

/** Whatever the environment says otherwise: the bench has an installation and tokens of its own. */
const OWN = {
  TIERLIFT_TARGET: "local",
  PORT: "0",
  JWT_SECRET: "",
  JWKS_URL: "",
  JWT_ISSUER: "",
  JWT_AUDIENCE: "",
  REVIEW_REQUIRED: "false",
};

/** Starts it, hands it to `measure`, and leaves no process and no file of it. */
export async function withInstallation<T>(
  { log, signal }: Pick<Stage, "log" | "signal">,
  measure: (stage: Stage) => Promise<T>,
): Promise<T> {
  const root = await makeRoot();
  const env = { ...process.env, ...OWN, TIERLIFT_HOME: path.join(root, "home") };
  const settings = parseSettings(env, path.resolve(import.meta.dirname, "../.."));
  const home = await ensureHome(settings.home);
  try {
    const installation = await startBeside(home, { env, log, signal });
    try {
      const admin = await adminOf(home, installation, signal);
      return await measure({ settings, home, env, installation, admin, log, signal });
    } finally {
      await installation.stop();
    }
  } finally {
    await removeServers(home.root);
    await rm(root, { recursive: true, force: true });
  }
}

async function adminOf(home: Home, installation: RunningInstallation, signal: AbortSignal): Promise<Client> {
  const token = await mintToken({
    secret: await ensureJwtSecret(home),
    subject: "bench",
    roles: ["PLATFORM_ADMIN"],
    lifetimeMs: 8 * 3_600_000,
  });
  const { api } = await installation.endpoints();
  return createClient({ api, token, signal });
}

/** A folder that PostgreSQL's own account can pass, as it cannot a temporary one of root's. */
async function makeRoot(): Promise<string> {
  const root = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-"));
  await chmod(root, 0o711);
  return root;
}
