import { describe, expect, it } from "vitest";
import { zonesFrom } from "../../../local/dns/zones.ts";
import { resource, viewOf } from "../../support/arm-resources.ts";

const zoneId = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/dnsZones/Acme.test";

function recordSet(type: string, name: string, properties: Record<string, unknown>) {
  return resource(`${zoneId}/${type}/${name}`, { properties });
}

describe("zones from resources", () => {
  it("reads every record type as ARM writes it", () => {
    const view = viewOf([
      resource(zoneId, { properties: { nameServers: ["ns1-01.azure-dns.com.", "ns2-01.azure-dns.net."] } }),
      recordSet("A", "@", {
        TTL: 300,
        ARecords: [{ ipv4Address: "192.0.2.1" }, { ipv4Address: "192.0.2.2" }],
      }),
      recordSet("AAAA", "six", { TTL: 1, AAAARecords: [{ ipv6Address: "2001:db8::1" }] }),
      recordSet("CNAME", "www", { TTL: 2, CNAMERecord: { cname: "Acme.test." } }),
      recordSet("TXT", "@", { TTL: 3, TXTRecords: [{ value: ["a", "b"] }] }),
      recordSet("MX", "@", { TTL: 4, MXRecords: [{ preference: 10, exchange: "mail.acme.test" }] }),
      recordSet("SRV", "_sip._tcp", {
        TTL: 5,
        SRVRecords: [{ priority: 1, weight: 2, port: 5060, target: "sip.acme.test" }],
      }),
      recordSet("CAA", "@", { TTL: 6, caaRecords: [{ flags: 0, tag: "issue", value: "ca.test" }] }),
      recordSet("NS", "child", { TTL: 7, NSRecords: [{ nsdname: "ns.child.test" }] }),
    ]);
    const [zone] = zonesFrom(view);
    expect(zone).toMatchObject({ name: "acme.test", private: false });
    const sets = Object.fromEntries(
      zone!.recordSets.map((set) => [`${set.name} ${set.type}`, [set.ttl, ...set.values]]),
    );
    expect(sets).toEqual({
      "acme.test A": [300, "192.0.2.1", "192.0.2.2"],
      "six.acme.test AAAA": [1, "2001:db8::1"],
      "www.acme.test CNAME": [2, "Acme.test."],
      "acme.test TXT": [3, ["a", "b"]],
      "acme.test MX": [4, { preference: 10, exchange: "mail.acme.test" }],
      "_sip._tcp.acme.test SRV": [5, { priority: 1, weight: 2, port: 5060, target: "sip.acme.test" }],
      "acme.test CAA": [6, { flags: 0, tag: "issue", value: "ca.test" }],
      "child.acme.test NS": [7, "ns.child.test"],
      "acme.test NS": [172_800, "ns1-01.azure-dns.com", "ns2-01.azure-dns.net"],
      "acme.test SOA": [3600, expect.objectContaining({ mname: "ns1-01.azure-dns.com", minimum: 300 })],
    });
  });

  it("answers an alias record set with the address of its public IP address", () => {
    const address = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/publicIPAddresses/in";
    const view = viewOf([
      resource(zoneId, { properties: {} }),
      resource(address, { properties: { ipAddress: "198.18.0.9" } }),
      recordSet("A", "@", { TTL: 60, targetResource: { id: address } }),
    ]);
    expect(zonesFrom(view)[0]!.recordSets).toContainEqual({
      name: "acme.test",
      type: "A",
      ttl: 60,
      values: ["198.18.0.9"],
    });
  });

  it("marks private zones, and reads their lower-case properties", () => {
    const id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/in.test";
    const view = viewOf([
      resource(id, { properties: {} }),
      resource(`${id}/A/db`, { properties: { ttl: 10, aRecords: [{ ipv4Address: "10.0.0.4" }] } }),
    ]);
    const [zone] = zonesFrom(view);
    expect(zone).toMatchObject({ name: "in.test", private: true });
    expect(zone!.recordSets).toContainEqual({ name: "db.in.test", type: "A", ttl: 10, values: ["10.0.0.4"] });
  });
});
