import * as dns from "@pulumi/azure-native/dns/index.js";
import * as pulumi from "@pulumi/pulumi";
import { NEXT_RECORDS, planRecordName } from "./plan.ts";

export interface NextRecordsArgs {
  zoneName: pulumi.Output<string>;
  resourceGroupName: pulumi.Output<string>;
  /** The dedicated ingress address. */
  target: pulumi.Output<string>;
  ttlSeconds: number;
}

/** `next.<zone>` and what is below it: how the tenant tries the new infrastructure before the switch. */
export class NextRecords extends pulumi.ComponentResource {
  constructor(name: string, args: NextRecordsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:dns:NextRecords", name, {}, opts);
    for (const relativeName of NEXT_RECORDS) {
      new dns.RecordSet(
        planRecordName(name, relativeName),
        {
          resourceGroupName: args.resourceGroupName,
          zoneName: args.zoneName,
          recordType: "A",
          relativeRecordSetName: relativeName,
          ttl: args.ttlSeconds,
          aRecords: [{ ipv4Address: args.target }],
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
