/** How a stack runs this project's data command. */
import * as pulumi from "@pulumi/pulumi";
import type { PostgresLogin, Tenant } from "../connections.ts";

/** Quotes for a POSIX shell: inside single quotes nothing is special but the single quote itself. */
export function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_\-./:=@%+,]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The shell line for one verb, for example `node --import tsx main.ts postgres copy`. */
export function planDataCommand(dataCommand: string[], ...words: string[]): string {
  return [...dataCommand, ...words].map(quoteForShell).join(" ");
}

/** What the data command reads from standard input; see `automation/data/request.ts`. */
export interface DataDocument {
  tenant: { id: string; slug: string };
  source: PostgresLogin;
  target?: PostgresLogin;
  databases: pulumi.Input<string[]>;
  migrationId?: string;
  /** The tenant's role on the source, when it is to be made. */
  role?: { name: pulumi.Input<string>; password: pulumi.Input<string>; connectionLimit: number };
}

/** The document as one secret line: it carries passwords, so it is never part of the command line. */
export function planStdin(document: DataDocument): pulumi.Output<string> {
  const { source, target } = document;
  return pulumi.secret(
    pulumi
      .output({ ...document, source: login(source), target: target ? login(target) : undefined })
      .apply((resolved) => JSON.stringify(resolved)),
  );
}

/** Only what the document knows: an output may hold more. */
function login({ host, port, user, password }: PostgresLogin): PostgresLogin {
  return { host, port, user, password };
}

export function planDataTenant({ id, slug }: Tenant): { id: string; slug: string } {
  return { id, slug };
}
