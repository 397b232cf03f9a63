/** The copy of a tenant's rows from the shared PostgreSQL server to its own. */
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { PostgresLogin, Tenant } from "../connections.ts";
import { planDataCommand, planDataTenant, planStdin } from "./command.ts";

export interface DataMigrationArgs {
  tenant: Tenant;
  migrationId: string;
  /** The shared server as its administrator. */
  source: PostgresLogin;
  target: PostgresLogin;
  databases: pulumi.Input<string[]>;
  dataCommand: string[];
}

/**
 * Runs the data command once for each migration. Its deletion does nothing: the copies go with the tenant's server, and
 * what follows the shared one ends by the phase's undo, which also ends what a copy that failed has begun.
 */
export class DataMigration extends pulumi.ComponentResource {
  /** The command's report: databases, tables, rows, bytes, checksums. It holds no secrets. */
  readonly report: pulumi.Output<unknown>;

  constructor(name: string, args: DataMigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:data:DataMigration", name, {}, opts);
    const copy = planDataCommand(args.dataCommand, "postgres", "copy");
    const postgres = new command.local.Command(
      `${name}-postgres`,
      {
        create: copy,
        update: copy,
        stdin: planStdin({
          tenant: planDataTenant(args.tenant),
          source: args.source,
          target: args.target,
          databases: args.databases,
          migrationId: args.migrationId,
        }),
        triggers: [args.migrationId],
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        // A rotated password or a moved checkout is no reason to copy again: by then the tenant may be working on the
        // copy. Only another migration is.
        ignoreChanges: ["create", "update", "stdin", "environment"],
        customTimeouts: { create: "12h", update: "12h" },
      },
    );
    this.report = pulumi.unsecret(postgres.stdout).apply(parseReport);
    this.registerOutputs({ report: this.report });
  }
}

/** The report on standard output; null while there is none, as in a preview. */
export function parseReport(stdout: string | undefined): unknown {
  return stdout ? (JSON.parse(stdout) as unknown) : null;
}
