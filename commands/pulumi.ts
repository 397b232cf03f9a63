/** `npm run pulumi -- ARGS`: the engine's command line on this installation's stacks. */
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { writeSecretFile } from "../local/files.ts";
import { ensureEngineOnly } from "../setup/parts.ts";
import { endWith, runCommandLine } from "./command-line.ts";
import { readConnection } from "./endpoints.ts";
import { engineEnvironment, projectFile } from "./engine-environment.ts";
import { ensureHome } from "./home.ts";
import { parseSettings } from "./settings.ts";
import { planPlugins } from "./targets/local.ts";

await runCommandLine(async ({ args, log, signal }) => {
  const settings = parseSettings(process.env, path.resolve(import.meta.dirname, ".."));
  const home = await ensureHome(settings.home);
  const engine = await ensureEngineOnly({ log, signal });
  // A folder of its own: the engine writes stacks' settings beside the project file it is started at.
  const cwd = path.join(home.pulumi.work, ".command-line");
  await mkdir(cwd, { recursive: true, mode: 0o700 });
  const plugins = settings.target === "local" ? planPlugins(settings.replacedPlugins) : [];
  await writeSecretFile(path.join(cwd, "Pulumi.yaml"), projectFile(settings, plugins));
  const bin = path.join(engine.root, "bin");
  const connection = await readConnection(home);
  const env = {
    ...process.env,
    // Plugins that a refresh or a destroy starts talk to the local cloud.
    ...(connection && { NODE_EXTRA_CA_CERTS: connection.caFile, SSL_CERT_FILE: connection.caFile }),
    ...(await engineEnvironment(settings, home)),
    PATH: `${bin}${path.delimiter}${process.env.PATH ?? ""}`,
  };
  return endWith(spawn(path.join(bin, "pulumi"), args, { cwd, env, stdio: "inherit" }), signal);
});
