import path from "node:path";
import type { Home } from "./home.ts";
import { ensurePassphrase } from "./home.ts";
import type { Settings } from "./settings.ts";

/**
 * What the engine is told by environment: backend, its own home, and where the passphrase is. Secrets stay in files
 * but for a passphrase that came by environment.
 */
export async function engineEnvironment(settings: Settings, home: Home): Promise<Record<string, string>> {
  return {
    PULUMI_BACKEND_URL: settings.backendUrl,
    PULUMI_HOME: home.pulumi.home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...(await passphrase(settings, home)),
  };
}

async function passphrase(
  { secretsProvider, passphrase: source }: Settings,
  home: Home,
): Promise<Record<string, string>> {
  if (secretsProvider !== "passphrase") return {};
  switch (source.from) {
    case "environment":
      return { PULUMI_CONFIG_PASSPHRASE: source.value };
    case "file":
      return { PULUMI_CONFIG_PASSPHRASE_FILE: source.file };
    case "home":
      await ensurePassphrase(home);
      return { PULUMI_CONFIG_PASSPHRASE_FILE: home.pulumi.passphraseFile };
  }
}

/** The project file of a work folder: without a program, since the command line is there to look and to repair. */
export function projectFile(settings: Settings, plugins: { name: string; path: string }[]): string {
  return JSON.stringify({
    name: "tierlift",
    runtime: "nodejs",
    backend: { url: settings.backendUrl },
    ...(plugins.length > 0 && {
      plugins: { providers: plugins.map((plugin) => ({ ...plugin, path: path.resolve(plugin.path) })) },
    }),
  });
}
