import { watchEngine } from "./lifetime.ts";
import type { Provider } from "./provider.ts";
import { startProviderServer } from "./server.ts";
import { reserveStdout } from "./stdout.ts";

/**
 * The main function of a plugin's process: serves `provider` to the engine whose address is the last argument,
 * announces the port on standard output, and ends with the engine.
 */
export async function runProvider(provider: Provider): Promise<void> {
  const announce = reserveStdout();
  process.on("unhandledRejection", (reason) => {
    console.error("unhandled rejection:", reason);
  });
  const server = await startProviderServer(provider, engineAddress(process.argv.slice(2)));
  watchEngine(() => {
    void server.close().finally(() => process.exit(0));
  });
  announce(`${server.port}\n`);
}

function engineAddress(args: readonly string[]): string | undefined {
  const last = args.at(-1);
  return last !== undefined && /^[^-].*:\d+$/.test(last) ? last : undefined;
}
