import type { ArmResource, ResourceView } from "../arm/backend.ts";
import { normalName, type RecordData, type RecordSet, type RecordType, type Zone } from "./zone.ts";

/** A record set's `properties` with the names in lower case: public and private zones write them differently. */
type Properties = Record<string, unknown>;

type Reader<Type extends RecordType> = (properties: Properties) => RecordData[Type][];

/** How ARM writes each type's records (Microsoft.Network dnsZones 2018-05-01, privateDnsZones 2024-06-01). */
const readers: { [Type in RecordType]: Reader<Type> } = {
  A: (of) => rows(of.arecords).map((row) => text(row.ipv4Address)),
  AAAA: (of) => rows(of.aaaarecords).map((row) => text(row.ipv6Address)),
  CAA: (of) =>
    rows(of.caarecords).map((row) => ({
      flags: Number(row.flags ?? 0),
      tag: text(row.tag),
      value: text(row.value),
    })),
  CNAME: (of) => row(of.cnamerecord).map(({ cname }) => text(cname)),
  MX: (of) =>
    rows(of.mxrecords).map(({ preference, exchange }) => ({
      preference: Number(preference),
      exchange: text(exchange),
    })),
  NS: (of) => rows(of.nsrecords).map(({ nsdname }) => text(nsdname)),
  PTR: (of) => rows(of.ptrrecords).map(({ ptrdname }) => text(ptrdname)),
  SOA: (of) => row(of.soarecord).map(soa),
  SRV: (of) =>
    rows(of.srvrecords).map((row) => ({
      priority: Number(row.priority),
      weight: Number(row.weight),
      port: Number(row.port),
      target: text(row.target),
    })),
  TXT: (of) => rows(of.txtrecords).map(({ value }) => (value as string[]).map(String)),
};

const types = Object.keys(readers) as RecordType[];
const publicZones = "microsoft.network/dnszones";
const privateZones = "microsoft.network/privatednszones";

/** SOA and NS that every zone has without anybody making them; as Azure DNS sets them. */
const zoneDefaults = {
  soaTtl: 3600,
  nsTtl: 172_800,
  refresh: 3600,
  retry: 300,
  expire: 2_419_200,
  minimum: 300,
};

/** All zones among the resources, with their record sets. Of two zones of one name the first counts. */
export function zonesFrom(view: ResourceView): Zone[] {
  const zones = [publicZones, privateZones].flatMap((type) =>
    view.list(type).map((zone) => readZone(zone, type, view)),
  );
  const key = (zone: Zone) => `${zone.private}/${zone.name}`;
  return [...new Map(zones.reverse().map((zone) => [key(zone), zone])).values()];
}

function readZone(resource: ArmResource, type: string, view: ResourceView): Zone {
  const name = normalName(resource.name);
  const declared = types.flatMap((record) =>
    view.list(`${type}/${record.toLowerCase()}`, resource.id).map((set) => readSet(set, record, name, view)),
  );
  const has = (record: RecordType) => declared.some((set) => set.type === record && set.name === name);
  const made = defaultSets(resource, name).filter((set) => !has(set.type));
  return { name, private: type === privateZones, recordSets: [...declared, ...made].filter(hasValues) };
}

function readSet(resource: ArmResource, type: RecordType, zone: string, view: ResourceView): RecordSet {
  const properties = lowerKeys(resource.body.properties);
  const label = normalName(resource.name);
  const name = label === "@" ? zone : `${label}.${zone}`;
  const target = (properties.targetresource as { id?: string } | undefined)?.id;
  const values = target && type === "A" ? aliased(target, view) : readers[type](properties);
  return { name, type, ttl: Number(properties.ttl ?? 3600), values } as RecordSet;
}

/** An alias record set stands for the address of a public IP address resource, whatever that is at the moment. */
function aliased(id: string, view: ResourceView): string[] {
  const address = lowerKeys(view.get(id)?.body.properties).ipaddress;
  return typeof address === "string" ? [address] : [];
}

function defaultSets(resource: ArmResource, name: string): RecordSet[] {
  const servers = (lowerKeys(resource.body.properties).nameservers as string[] | undefined) ?? [];
  const { soaTtl, nsTtl, ...times } = zoneDefaults;
  const mname = normalName(servers[0] ?? "ns1-01.azure-dns.com");
  return [
    { name, type: "NS", ttl: nsTtl, values: servers.map(normalName) },
    {
      name,
      type: "SOA",
      ttl: soaTtl,
      values: [{ mname, rname: "azuredns-hostmaster.microsoft.com", serial: 1, ...times }],
    },
  ];
}

function soa(of: Record<string, unknown>): RecordData["SOA"] {
  return {
    mname: normalName(text(of.host)),
    rname: normalName(text(of.email)),
    serial: Number(of.serialNumber ?? 1),
    refresh: Number(of.refreshTime ?? zoneDefaults.refresh),
    retry: Number(of.retryTime ?? zoneDefaults.retry),
    expire: Number(of.expireTime ?? zoneDefaults.expire),
    // ARM's specification says minimumTTL, and minimumTtl for private zones.
    minimum: Number(of.minimumTTL ?? of.minimumTtl ?? zoneDefaults.minimum),
  };
}

function hasValues(set: RecordSet): boolean {
  return set.values.length > 0;
}

function lowerKeys(value: unknown): Properties {
  const entries = Object.entries((value ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, entry]) => [key.toLowerCase(), entry]));
}

function rows(value: unknown): Record<string, unknown>[] {
  return (value ?? []) as Record<string, unknown>[];
}

function row(value: unknown): Record<string, unknown>[] {
  return value === undefined || value === null ? [] : [value as Record<string, unknown>];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
