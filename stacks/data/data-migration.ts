/** The copy of what a tenant has in the shared stores to its own. */
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { CacheLogin, PostgresLogin, Tenant } from "../connections.ts";
import {
  planBlobsStdin,
  planCacheStdin,
  planDataCommand,
  planDataTenant,
  planKafkaStdin,
  planStdin,
} from "./command.ts";
import type {
  BlobContainer,
  BlobsDocument,
  CacheDocument,
  KafkaDocument,
  KafkaNamespace,
} from "./command.ts";

export interface DataMigrationArgs {
  tenant: Tenant;
  migrationId: string;
  /** The shared server as its administrator. */
  source: PostgresLogin;
  target: PostgresLogin;
  databases: pulumi.Input<string[]>;
  /** The shared container and the tenant's own. */
  blobs: BlobsDocument["blobs"] & { target: BlobContainer };
  /** The shared cache and the tenant's own; absent where there is no server behind them. */
  cache?: CacheDocument["cache"] & { target: CacheLogin };
  /** The shared namespace and the tenant's own; absent where there is no server behind them. */
  kafka?: KafkaDocument["kafka"] & { target: KafkaNamespace };
  dataCommand: string[];
}

type Reports = Record<"postgres" | "blobs", pulumi.Output<unknown>> &
  Partial<Record<"cache" | "kafka", pulumi.Output<unknown>>>;

/**
 * Runs the data command for each store once for each migration. Its deletion does nothing: the copies go with the
 * tenant's own stores, and what follows the shared server ends by the phase's undo, which also ends what a copy that
 * failed has begun.
 */
export class DataMigration extends pulumi.ComponentResource {
  /** The command's reports by store: what was found and copied, and how fast. They hold no secrets. */
  readonly reports: Reports;

  constructor(name: string, args: DataMigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:data:DataMigration", name, {}, opts);
    const tenant = planDataTenant(args.tenant);
    const { source, target, databases, migrationId, blobs, cache, kafka } = args;
    const rows = planStdin({ tenant, source, target, databases, migrationId });
    this.reports = {
      postgres: this.copy(name, "postgres", rows, args),
      blobs: this.copy(name, "blobs", planBlobsStdin({ tenant, blobs }), args),
      // A cache that cannot be warmed is told in the report: the command does not fail for it.
      ...(cache && { cache: this.copy(name, "cache", planCacheStdin({ tenant, cache }), args) }),
      ...(kafka && { kafka: this.copy(name, "kafka", planKafkaStdin({ tenant, kafka }), args) }),
    };
    this.registerOutputs({ reports: this.reports });
  }

  private copy(
    name: string,
    store: keyof Reports,
    stdin: pulumi.Output<string>,
    { dataCommand, migrationId }: DataMigrationArgs,
  ): pulumi.Output<unknown> {
    const copy = planDataCommand(dataCommand, store, "copy");
    const { stdout } = new command.local.Command(
      `${name}-${store}`,
      {
        create: copy,
        update: copy,
        stdin,
        triggers: [migrationId],
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
    return pulumi.unsecret(stdout).apply(parseReport);
  }
}

/** The report on standard output; null while there is none, as in a preview. */
export function parseReport(stdout: string | undefined): unknown {
  return stdout ? (JSON.parse(stdout) as unknown) : null;
}
