/** `npm start`: set-up, local cloud and service, until stopped by Ctrl-C, SIGTERM or `npm stop`. */
import path from "node:path";
import { ensureParts, ensureServiceParts } from "../setup/parts.ts";
import { runCommandLine } from "./command-line.ts";
import { runInstallation } from "./run-installation.ts";
import { parseSettings } from "./settings.ts";
import { followStarter, tellStarter } from "./starter.ts";

await runCommandLine(async ({ log: show, signal }) => {
  followStarter();
  const log = (line: string) => {
    show(line);
    tellStarter({ type: "log", line });
  };
  const settings = parseSettings(process.env, path.resolve(import.meta.dirname, ".."));
  const setup = { log, signal };
  const setUp = () => (settings.target === "local" ? ensureParts(setup) : ensureServiceParts(setup));
  await runInstallation({ settings, setUp, log, signal });
});
