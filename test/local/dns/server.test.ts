import dnsPacket from "dns-packet";
import { Resolver } from "node:dns/promises";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createDnsServer, type DnsServer } from "../../../local/dns/server.ts";
import type { RecordSet, Zone } from "../../../local/dns/zone.ts";

let server: DnsServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(...recordSets: RecordSet[]): Promise<{ zone: Zone; resolver: Resolver; port: number }> {
  const zone: Zone = { name: "acme.test", private: false, recordSets };
  server = await createDnsServer({ host: "127.0.0.1", zones: () => [zone] });
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`${server.host}:${server.port}`]);
  return { zone, resolver, port: server.port };
}

function askOverTcp(port: number, name: string): Promise<dnsPacket.Packet> {
  const query = dnsPacket.streamEncode({
    type: "query",
    id: 1,
    questions: [{ name, type: "TXT", class: "IN" }],
  });
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(query));
    let received = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      socket.destroy();
      resolve(dnsPacket.streamDecode(received));
    });
  });
}

const long: RecordSet = {
  name: "acme.test",
  type: "TXT",
  ttl: 60,
  values: Array.from({ length: 40 }, (_, index) => [`${index}`.padStart(100, "x")]),
};

describe("name server", () => {
  it("answers a resolver over UDP, and follows the records at once", async () => {
    const { zone, resolver } = await serve({ name: "acme.test", type: "A", ttl: 60, values: ["192.0.2.1"] });
    expect(await resolver.resolve4("acme.test", { ttl: true })).toEqual([{ address: "192.0.2.1", ttl: 60 }]);
    zone.recordSets = [{ name: "acme.test", type: "A", ttl: 60, values: ["192.0.2.2"] }];
    expect(await resolver.resolve4("acme.test")).toEqual(["192.0.2.2"]);
  });

  it("encodes every record type so that a resolver reads it", async () => {
    const { resolver } = await serve(
      { name: "acme.test", type: "MX", ttl: 1, values: [{ preference: 5, exchange: "mail.acme.test" }] },
      { name: "acme.test", type: "CAA", ttl: 1, values: [{ flags: 0, tag: "issue", value: "ca.test" }] },
      {
        name: "s.acme.test",
        type: "SRV",
        ttl: 1,
        values: [{ priority: 1, weight: 2, port: 3, target: "t.acme.test" }],
      },
      { name: "acme.test", type: "TXT", ttl: 1, values: [["one", "two"]] },
    );
    expect(await resolver.resolveMx("acme.test")).toEqual([{ priority: 5, exchange: "mail.acme.test" }]);
    expect(await resolver.resolveCaa("acme.test")).toMatchObject([{ critical: 0, issue: "ca.test" }]);
    expect(await resolver.resolveSrv("s.acme.test")).toMatchObject([
      { priority: 1, weight: 2, port: 3, name: "t.acme.test" },
    ]);
    expect(await resolver.resolveTxt("acme.test")).toEqual([["one", "two"]]);
  });

  it("gives a long answer whole over TCP", async () => {
    const { port } = await serve(long);
    const reply = await askOverTcp(port, "acme.test");
    expect(reply).toMatchObject({ flag_tc: false });
    expect(reply.answers).toHaveLength(40);
  });

  it("lets a resolver come back over TCP when the answer is too long for UDP", async () => {
    const { resolver } = await serve(long);
    expect(await resolver.resolveTxt("acme.test")).toHaveLength(40);
  });

  it("says that an absent name does not exist", async () => {
    const { resolver } = await serve(long);
    await expect(resolver.resolve4("x.acme.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  it("serves on after a packet that is none", async () => {
    const { resolver, port } = await serve(long);
    const { createSocket } = await import("node:dgram");
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) =>
      socket.send(Buffer.from("nonsense"), port, "127.0.0.1", () => resolve()),
    );
    socket.close();
    expect(await resolver.resolveTxt("acme.test")).toHaveLength(40);
  });
});
