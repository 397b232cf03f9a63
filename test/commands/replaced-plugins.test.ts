import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createStackEngine } from "../../automation/engine/stack-engine.ts";
import { parseSettings } from "../../commands/settings.ts";
import { planPlugins } from "../../commands/targets/local.ts";
import { engineRoot } from "../support/parts.ts";
import { tenantRequest } from "../support/requests.ts";
import { temporaryFolder } from "./processes.ts";

const CHECKOUT = path.resolve(import.meta.dirname, "../..");
const root = engineRoot();

/** A folder with a plugin that notes that it was started and then is this project's own. */
function loggingPlugin(folder: string, name: string): { folder: string; starts: () => string[] } {
  const own = path.join(CHECKOUT, "local/providers", name, `pulumi-resource-${name}`);
  const place = path.join(folder, name);
  const log = path.join(place, "starts");
  const wrapper = path.join(place, `pulumi-resource-${name}`);
  mkdirSync(place);
  writeFileSync(wrapper, `#!/bin/sh\necho "${name} started" >> '${log}'\nexec '${own}' "$@"\n`);
  chmodSync(wrapper, 0o700);
  return {
    folder: place,
    starts: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
  };
}

describe.skipIf(root === null)(
  "plugins named by environment, with the real engine",
  { timeout: 120_000 },
  () => {
    it("are the ones that are started, and do the work", async () => {
      const home = temporaryFolder();
      const [kubernetes, command] = [loggingPlugin(home, "kubernetes"), loggingPlugin(home, "command")];
      const { replacedPlugins } = parseSettings(
        { TIERLIFT_PROVIDER_KUBERNETES: kubernetes.folder, TIERLIFT_PROVIDER_COMMAND: command.folder },
        CHECKOUT,
      );
      const engine = openEngine(home, planPlugins(replacedPlugins));
      onTestFinished(() => engine.close());
      const request = tenantRequest({ slug: "plugins", layers: [] });
      await engine.update(request, { timeoutMs: 90_000, approve: () => undefined });
      expect(await engine.outputs("plugins")).toEqual({ greeting: "from the command plugin" });
      expect(kubernetes.starts()).toContain("kubernetes started");
      expect(command.starts()).toContain("command started");
    });
  },
);

function openEngine(home: string, plugins: { name: string; path: string }[]) {
  mkdirSync(path.join(home, "backend"));
  return createStackEngine({
    workspace: {
      engineRoot: root ?? "",
      pulumiHome: path.join(home, "pulumi"),
      backendUrl: `file://${home}/backend`,
      secretsProvider: "passphrase",
      workRoot: path.join(home, "work"),
      plugins,
      programModule: new URL("../support/plugin-program.ts", import.meta.url).href,
    },
    environment: {
      PATH: process.env.PATH ?? "",
      HOME: home,
      PULUMI_CONFIG_PASSPHRASE: "for this test only",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    },
    graceMs: 10_000,
  });
}
