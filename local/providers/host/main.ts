/**
 * Serves this project's plugins to one engine after another, so that a stack's operations find them running and warm.
 * `open` on standard input opens a port for each plugin named on the command line and prints them as a line of JSON,
 * by name; `close` ends what they served. The process ends with its standard input.
 */
import { createInterface } from "node:readline";
import { createAzureNativeProvider } from "../azure-native/provider.ts";
import { createCommandProvider } from "../command/command.ts";
import { createKubernetesProvider } from "../kubernetes/provider.ts";
import type { Provider } from "../protocol/provider.ts";
import { startAttachableServer } from "../protocol/server.ts";
import type { ProviderServer } from "../protocol/server.ts";
import { reserveStdout } from "../protocol/stdout.ts";

const PROVIDERS = {
  "azure-native": createAzureNativeProvider,
  kubernetes: createKubernetesProvider,
  command: createCommandProvider,
} satisfies Record<string, () => Provider>;

const announce = reserveStdout();
const names = process.argv.slice(2).filter((name): name is keyof typeof PROVIDERS => name in PROVIDERS);
let open: ProviderServer[] = [];

process.on("unhandledRejection", (reason) => {
  console.error("unhandled rejection:", reason);
});
// An interrupt at the terminal reaches the whole group; the engine tells its plugins itself what to end.
process.on("SIGINT", () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "open") {
    open = await Promise.all(names.map((name) => startAttachableServer(PROVIDERS[name])));
    const ports = Object.fromEntries(names.map((name, index) => [name, open[index]?.port]));
    announce(`${JSON.stringify(ports)}\n`);
  } else if (line === "close") await closeAll();
}
await closeAll();
process.exit(0);

async function closeAll(): Promise<void> {
  const servers = open;
  open = [];
  await Promise.all(servers.map((server) => server.close()));
}
