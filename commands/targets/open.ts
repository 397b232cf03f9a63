import { readFile } from "node:fs/promises";
import path from "node:path";
import type { CloudConnection } from "../../local/connection.ts";
import { CommandError } from "../command-line.ts";
import type { Home } from "../home.ts";
import type { Settings } from "../settings.ts";
import { createAzureTarget } from "./azure.ts";
import { createLocalTarget } from "./local.ts";
import type { Target } from "./target.ts";

/** The target that the settings name; the local one needs its cloud to run already. */
export async function openTarget(settings: Settings, home: Home): Promise<Target> {
  if (settings.azure) {
    const { environment, platformVaultUrl, certificateIssuer, ...platform } = settings.azure;
    return createAzureTarget({ platform, environment, platformVaultUrl, certificateIssuer });
  }
  return createLocalTarget({
    connection: await readConnection(path.join(home.cloud, "connection.json")),
    secretsDir: home.secrets,
    replacedPlugins: settings.replacedPlugins,
    armRetryDelaysMs: settings.armRetryDelaysMs,
  });
}

async function readConnection(file: string): Promise<CloudConnection> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as CloudConnection;
  } catch (error) {
    throw new CommandError(
      `The local cloud is not running (${(error as Error).message}): start both with npm start.`,
    );
  }
}
