/** `npm start` with fake parts, a fake local cloud and a fake service. */
import path from "node:path";
import { runCommandLine } from "../../../commands/command-line.ts";
import { runInstallation } from "../../../commands/run-installation.ts";
import { parseSettings } from "../../../commands/settings.ts";
import { followStarter, tellStarter } from "../../../commands/starter.ts";

const fake = (name: string) => path.join(import.meta.dirname, `${name}.ts`);
const parts = {
  engine: { root: "/engine", version: "0.0.0" },
  controlPlane: { hyper: "/hyper", kwok: "/kwok", version: "0.0.0" },
  bundles: "/bundles",
  postgres: { binDir: "/postgres/bin", version: "0.0.0" },
};

await runCommandLine(async ({ log: show, signal }) => {
  followStarter();
  const log = (line: string) => {
    show(line);
    tellStarter({ type: "log", line });
  };
  const settings = parseSettings(process.env, import.meta.dirname);
  const setUp = () => Promise.resolve(parts);
  await runInstallation({
    settings,
    setUp,
    log,
    signal,
    entries: { cloud: fake("cloud"), service: fake("service") },
  });
});
