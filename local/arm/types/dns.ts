/** Public and private DNS zones and their record sets. */
import { createHash, randomUUID } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import { badRequest, conflict } from "../errors.ts";
import { listAt, stringAt, valueAt, without } from "../http.ts";
import type { StoredResource } from "../store.ts";
import { asynchronous, plain } from "./behaviour.ts";
import type { PutContext, TypeBehaviour } from "./behaviour.ts";
import { holders, requireReference } from "./references.ts";

const publicRecords = [
  "A",
  "AAAA",
  "CAA",
  "CNAME",
  "DS",
  "MX",
  "NAPTR",
  "NS",
  "PTR",
  "SOA",
  "SRV",
  "TLSA",
  "TXT",
];
const privateRecords = ["A", "AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT"];
const linkType = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";

const recordSetsOf = (zone: StoredResource, cloud: Cloud): StoredResource[] =>
  cloud.store.all(zone.id).filter((one) => one.type !== linkType && one.type.startsWith(`${zone.type}/`));

const dnsZones: TypeBehaviour = {
  type: "Microsoft.Network/dnsZones",
  put: { created: 201, updated: 200 },
  delete: asynchronous.delete,
  isGlobal: true,
  nameError: { code: "BadRequest", message: "The zone name is not a valid DNS name." },
  namePattern:
    /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?$/i,
  defaults: () => ({ properties: { zoneType: "Public" } }),
  outputs: ({ resource, previous }) => (previous === undefined ? { properties: zoneLimits(resource) } : {}),
  stored: (context) => {
    if (context.previous === undefined) storeApex(context);
  },
  answer: (resource, cloud) => ({ properties: { numberOfRecordSets: recordSetsOf(resource, cloud).length } }),
};

function zoneLimits(zone: StoredResource): Record<string, unknown> {
  // Azure spreads zones over pools of name servers; a zone keeps its pool.
  const pool = (createHash("sha256").update(zone.id.toLowerCase()).digest().readUInt8(0) % 9) + 1;
  return {
    maxNumberOfRecordSets: 10000,
    maxNumberOfRecordsPerRecordSet: null,
    nameServers: ["com", "net", "org", "info"].map((end, i) => `ns${i + 1}-0${pool}.azure-dns.${end}.`),
  };
}

/** Every zone has its SOA and NS at the apex from the start. */
function storeApex({ cloud, resource }: PutContext): void {
  const servers = listAt(resource.outputs, "properties.nameServers").map(String);
  const common = without(resource, "location");
  const apex = (type: string, properties: Record<string, unknown>): void =>
    cloud.store.put({
      ...common,
      id: `${resource.id}/${type}/@`,
      type: `${resource.type}/${type}`,
      name: "@",
      etag: randomUUID(),
      body: { properties: { ...properties, targetResource: {}, fqdn: `${resource.name}.` } },
      outputs: { properties: { fqdn: `${resource.name}.` } },
    });
  apex("NS", { TTL: 172800, NSRecords: servers.map((nsdname) => ({ nsdname })) });
  const soa = { email: "azuredns-hostmaster.microsoft.com", expireTime: 2419200, host: servers[0] };
  apex("SOA", {
    TTL: 3600,
    SOARecord: { ...soa, minimumTTL: 300, refreshTime: 3600, retryTime: 300, serialNumber: 1 },
  });
}

const privateDnsZones: TypeBehaviour = {
  type: "Microsoft.Network/privateDnsZones",
  ...asynchronous,
  hasState: true,
  isGlobal: true,
  outputs: ({ previous }) => {
    if (previous !== undefined) return {};
    return {
      properties: {
        internalId: Buffer.from(randomUUID()).toString("base64"),
        maxNumberOfRecordSets: 25000,
        maxNumberOfVirtualNetworkLinks: 1000,
        maxNumberOfVirtualNetworkLinksWithRegistration: 100,
      },
    };
  },
  answer: (resource, cloud) => {
    const links = cloud.store.list(linkType, resource.id);
    return {
      properties: {
        numberOfRecordSets: recordSetsOf(resource, cloud).length + 1,
        numberOfVirtualNetworkLinks: links.length,
        numberOfVirtualNetworkLinksWithRegistration: links.filter((link) =>
          valueAt(link.body, "properties.registrationEnabled"),
        ).length,
      },
    };
  },
  inUse: (resource, { store }) => {
    const links = store.list(linkType, resource.id);
    if (links.length === 0) return undefined;
    return conflict(
      "CannotDeleteResource",
      `Can not delete resource before nested resources are deleted. Nested resources: ${links.map(({ id }) => id).join(", ")}.`,
    );
  },
};

const virtualNetworkLinks: TypeBehaviour = {
  type: linkType,
  ...asynchronous,
  hasState: true,
  isGlobal: true,
  createOnly: [{ path: "properties.virtualNetwork.id" }],
  defaults: () => ({ properties: { registrationEnabled: false, resolutionPolicy: "Default" } }),
  check: ({ cloud, resource, previous }) => {
    const network = stringAt(resource.body, "properties.virtualNetwork.id");
    requireReference(cloud, resource, network, "BadRequest");
    const zone = resource.id.split("/").slice(0, -2).join("/");
    const others = holders(cloud.store, linkType, "properties.virtualNetwork.id", network ?? "");
    const isLinked = others.some(({ id }) => id.startsWith(`${zone}/`) && id !== resource.id);
    if (previous !== undefined || !isLinked) return;
    throw conflict(
      "Conflict",
      `A virtual network cannot be linked to multiple zones with overlapping namespaces; '${network ?? ""}' is linked to this zone already.`,
    );
  },
  outputs: () => ({ properties: { virtualNetworkLinkState: "Completed" } }),
};

const ipv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

function recordSet(zoneType: string, record: string): TypeBehaviour {
  const isPublic = zoneType.endsWith("/dnsZones");
  return {
    type: `${zoneType}/${record}`,
    ...plain,
    hasState: isPublic,
    nameError: { code: "BadRequest", message: "The relative record set name is invalid." },
    namePattern:
      /^(@|(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*)$/i,
    defaults: () => ({ properties: isPublic ? { targetResource: {} } : {} }),
    check: ({ resource }) => {
      const addresses = listAt(resource.body, `properties.${isPublic ? "ARecords" : "aRecords"}`);
      const bad = addresses
        .map((one) => stringAt(one, "ipv4Address"))
        .find((address) => !ipv4.test(address ?? ""));
      if (addresses.length === 0 || bad === undefined) return;
      throw badRequest(
        "BadRequest",
        `The value '${bad}' is not a valid IPv4 address.`,
        "properties.ARecords",
      );
    },
    outputs: ({ resource }) => {
      const zone = resource.id.split("/").at(-3) ?? "";
      const fqdn = resource.name === "@" ? `${zone}.` : `${resource.name}.${zone}.`;
      return { properties: isPublic ? { fqdn } : { fqdn, isAutoRegistered: false } };
    },
  };
}

export const dns: TypeBehaviour[] = [
  dnsZones,
  privateDnsZones,
  virtualNetworkLinks,
  ...publicRecords.map((record) => recordSet("Microsoft.Network/dnsZones", record)),
  ...privateRecords.map((record) => recordSet("Microsoft.Network/privateDnsZones", record)),
];
