/** Asking a zone's own servers, past every cache. */
import { Resolver } from "node:dns/promises";
import type { Ports } from "./ports.ts";

const TIMEOUT_MS = 2_000;
const TRIES = 2;
/** Answers that say "there is none", as node's resolver calls them. */
const ABSENT = new Set(["ENOTFOUND", "ENODATA"]);

/** Servers as `host:port`; null asks those that the machine is set up with. */
export function createDnsResolver(servers: string[] | null): Ports["resolveDns"] {
  return async (name, signal) => {
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (servers !== null) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return (await resolver.resolve4(name)).sort();
    } catch (error) {
      if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return [];
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}
