import * as dns from "@pulumi/azure-native/dns/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Tenant } from "../connections.ts";
import { DELEGATION_TTL_SECONDS, TENANT_RECORDS, planRecordName } from "./plan.ts";

export interface TenantZoneArgs {
  tenant: Tenant;
  /** `<slug>.<parent>` */
  zoneName: pulumi.Output<string>;
  parentZoneName: pulumi.Output<string>;
  resourceGroupName: pulumi.Output<string>;
  /** Address that the records point at. */
  target: pulumi.Output<string>;
  ttlSeconds: number;
}

/**
 * The tenant's zone, there from its first day to its last: neither part of the slice nor of the dedicated footprint,
 * in the platform's subscription. Only its records' targets move.
 */
export class TenantZone extends pulumi.ComponentResource {
  readonly zoneName: pulumi.Output<string>;
  readonly zoneId: pulumi.Output<string>;
  readonly nameServers: pulumi.Output<string[]>;
  /** Address and time to live in seconds by relative name. */
  readonly records: Record<string, { address: pulumi.Output<string>; ttlSeconds: number }>;

  constructor(name: string, args: TenantZoneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:dns:TenantZone", name, {}, opts);
    const { tenant, resourceGroupName } = args;
    const zone = new dns.Zone(
      name,
      {
        resourceGroupName,
        zoneName: args.zoneName,
        location: "global",
        zoneType: "Public",
        tags: { tenant: tenant.slug, "tenant-id": tenant.id, "managed-by": "tierlift" },
      },
      { parent: this },
    );
    new dns.RecordSet(
      `${name}-delegation`,
      {
        resourceGroupName,
        zoneName: args.parentZoneName,
        recordType: "NS",
        relativeRecordSetName: tenant.slug,
        ttl: DELEGATION_TTL_SECONDS,
        nsRecords: zone.nameServers.apply((servers) => servers.map((nsdname) => ({ nsdname }))),
      },
      { parent: this },
    );
    this.records = {};
    for (const relativeName of TENANT_RECORDS) {
      new dns.RecordSet(
        planRecordName(name, relativeName),
        {
          resourceGroupName,
          zoneName: zone.name,
          recordType: "A",
          relativeRecordSetName: relativeName,
          ttl: args.ttlSeconds,
          aRecords: [{ ipv4Address: args.target }],
        },
        { parent: this, deletedWith: zone },
      );
      this.records[relativeName] = { address: args.target, ttlSeconds: args.ttlSeconds };
    }
    this.zoneName = zone.name;
    this.zoneId = zone.id;
    this.nameServers = zone.nameServers;
    this.registerOutputs({ zoneName: this.zoneName });
  }
}
