import { Resolver } from "node:dns/promises";
import type { Client } from "../../cli/client.ts";
import type { Endpoints } from "../endpoints.ts";
import type { Whose } from "./sign-in.ts";

/** Who a request is made as. */
export interface Person {
  subject: string;
  roles: string[];
  tenantId?: string;
}

/** What the demo plays on: a running installation, seen from outside. */
export interface Stage {
  endpoints: () => Promise<Endpoints>;
  clientOf: (person: Person) => Promise<Client>;
  /** An access token for blobs. */
  storageToken: (whose: Whose) => Promise<string>;
  /** The same for the topics of a namespace, by its name. */
  eventsToken: (whose: Whose, namespace: string) => Promise<string>;
  /** Stores that this installation has to do without, and why. */
  absent: string[];
  /** The platform's DNS zone. */
  zone: string;
  print: (line: string) => void;
  signal: AbortSignal;
}

/** Asks the zone's own servers for the addresses of a name. */
export async function askDns({ endpoints }: Stage, name: string): Promise<string> {
  const { dns } = await endpoints();
  const resolver = new Resolver({ timeout: 2_000, tries: 3 });
  resolver.setServers([`${dns.host}:${dns.port}`]);
  return (await resolver.resolve4(name)).sort().join(", ");
}

/** Seconds since a `performance.now()`, for people. */
export const secondsSince = (startedAt: number): string =>
  ((performance.now() - startedAt) / 1000).toFixed(1);
