import type { Answer, Packet, RecordType } from "dns-packet";
import { describe, expect, it } from "vitest";
import { answerQuery } from "../../../local/dns/answer.ts";
import type { RecordSet, Zone } from "../../../local/dns/zone.ts";

const soa = {
  mname: "ns1.test",
  rname: "host.test",
  serial: 1,
  refresh: 1,
  retry: 1,
  expire: 1,
  minimum: 120,
};

function zone(name: string, sets: RecordSet[], isPrivate = false): Zone {
  const own: RecordSet[] = [
    { name, type: "SOA", ttl: 3600, values: [soa] },
    { name, type: "NS", ttl: 172_800, values: ["ns1.test", "ns2.test"] },
  ];
  return { name, private: isPrivate, recordSets: [...own, ...sets] };
}

function a(name: string, address: string, ttl = 60): RecordSet {
  return { name, type: "A", ttl, values: [address] };
}

const zones = [
  zone("matih.test", [
    a("www.matih.test", "192.0.2.1"),
    { name: "acme.matih.test", type: "NS", ttl: 300, values: ["ns9.test"] },
    { name: "elsewhere.matih.test", type: "NS", ttl: 300, values: ["ns1.elsewhere.test"] },
    { name: "loop.matih.test", type: "CNAME", ttl: 5, values: ["loop.matih.test"] },
    { name: "out.matih.test", type: "CNAME", ttl: 5, values: ["www.example.org"] },
    { name: "gone.matih.test", type: "CNAME", ttl: 5, values: ["nowhere.matih.test"] },
  ]),
  zone("acme.matih.test", [
    a("acme.matih.test", "192.0.2.10", 300),
    a("*.acme.matih.test", "192.0.2.11"),
    a("api.acme.matih.test", "192.0.2.12"),
    a("next.acme.matih.test", "192.0.2.20"),
    a("*.next.acme.matih.test", "192.0.2.21"),
    a("deep.empty.acme.matih.test", "192.0.2.30"),
    { name: "alias.acme.matih.test", type: "CNAME", ttl: 30, values: ["www.matih.test"] },
    { name: "acme.matih.test", type: "TXT", ttl: 60, values: [["a", "b"]] },
    { name: "acme.matih.test", type: "CAA", ttl: 60, values: [{ flags: 0, tag: "issue", value: "ca.test" }] },
  ]),
  zone("hidden.test", [a("hidden.test", "10.0.0.1")], true),
];

function ask(name: string, type: RecordType = "A"): Packet {
  const query = {
    type: "query",
    opcode: "QUERY",
    id: 7,
    flags: 1 << 8,
    questions: [{ name, type, class: "IN" }],
  };
  return answerQuery(query as Packet, zones);
}

const rcode = (packet: Packet) => (packet.flags ?? 0) & 15;
const isAuthoritative = (packet: Packet) => ((packet.flags ?? 0) & (1 << 10)) !== 0;
const shown = (answers: Answer[] | undefined) =>
  (answers ?? []).map((answer) => {
    const data = "data" in answer ? answer.data : "";
    return `${"name" in answer ? answer.name : ""} ${answer.type} ${typeof data === "string" ? data : JSON.stringify(data)}`;
  });

describe("answers from zones", () => {
  it.each([
    ["the apex", "acme.matih.test", ["acme.matih.test A 192.0.2.10"]],
    ["a name of its own", "api.acme.matih.test", ["api.acme.matih.test A 192.0.2.12"]],
    ["a name below the wildcard", "bi.acme.matih.test", ["bi.acme.matih.test A 192.0.2.11"]],
    ["a name two labels below the wildcard", "x.y.acme.matih.test", ["x.y.acme.matih.test A 192.0.2.11"]],
    ["next beside *.next", "next.acme.matih.test", ["next.acme.matih.test A 192.0.2.20"]],
    ["a name below *.next", "api.next.acme.matih.test", ["api.next.acme.matih.test A 192.0.2.21"]],
    ["the parent zone's name", "www.matih.test", ["www.matih.test A 192.0.2.1"]],
    ["other letter cases, repeated as asked", "WwW.matih.TEST", ["WwW.matih.TEST A 192.0.2.1"]],
    [
      "an alias, followed into another zone",
      "alias.acme.matih.test",
      ["alias.acme.matih.test CNAME www.matih.test", "www.matih.test A 192.0.2.1"],
    ],
    ["an alias to a name of others", "out.matih.test", ["out.matih.test CNAME www.example.org"]],
  ])("knows %s", (_, name, expected) => {
    const reply = ask(name);
    expect(shown(reply.answers)).toEqual(expected);
    expect([rcode(reply), isAuthoritative(reply)]).toEqual([0, true]);
  });

  it.each([
    ["below a name that exists, although a wildcard stands above", "x.api.acme.matih.test"],
    ["below an empty name in between", "x.empty.acme.matih.test"],
    ["that is nowhere in a zone without wildcard", "nowhere.matih.test"],
  ])("says NXDOMAIN for a name %s", (_, name) => {
    const reply = ask(name);
    expect(rcode(reply)).toBe(3);
    expect(reply.answers).toEqual([]);
    expect(reply.authorities).toMatchObject([{ type: "SOA", ttl: 120 }]);
  });

  it.each([
    ["a name without that type", "api.acme.matih.test", "AAAA"],
    ["an empty name in between", "empty.acme.matih.test", "A"],
    ["a wildcard without that type", "bi.acme.matih.test", "MX"],
  ] as const)("says that there is no such data for %s", (_, name, type) => {
    const reply = ask(name, type);
    expect([rcode(reply), reply.answers, reply.authorities?.[0]?.type]).toEqual([0, [], "SOA"]);
  });

  it("refers to the servers of a zone it does not hold, without authority", () => {
    const reply = ask("a.b.elsewhere.matih.test");
    expect(isAuthoritative(reply)).toBe(false);
    expect([reply.answers, shown(reply.authorities)]).toEqual([
      [],
      ["elsewhere.matih.test NS ns1.elsewhere.test"],
    ]);
  });

  it("answers from the zone itself where the parent delegates to it", () => {
    const reply = ask("acme.matih.test", "NS");
    expect(shown(reply.answers)).toEqual(["acme.matih.test NS ns1.test", "acme.matih.test NS ns2.test"]);
  });

  it("ends an alias that leads to itself", () => {
    expect(ask("loop.matih.test").answers?.length).toBeLessThan(20);
  });

  it("says NXDOMAIN with the alias when its target is absent", () => {
    const reply = ask("gone.matih.test");
    expect([rcode(reply), shown(reply.answers)]).toEqual([3, ["gone.matih.test CNAME nowhere.matih.test"]]);
  });

  it.each(["example.org", "test", "hidden.test"])("refuses %s, which is in no public zone", (name) => {
    expect(rcode(ask(name))).toBe(5);
  });

  it("takes the times to live from the record sets", () => {
    expect([ask("acme.matih.test").answers?.[0], ask("api.acme.matih.test").answers?.[0]]).toMatchObject([
      { ttl: 300 },
      { ttl: 60 },
    ]);
  });

  it("refuses packets with no question or two", () => {
    const question = { name: "acme.matih.test", type: "A" as const, class: "IN" as const };
    const query = { type: "query", opcode: "QUERY", id: 1 } as Packet;
    expect(
      [[], [question, question]].map((questions) => rcode(answerQuery({ ...query, questions }, zones))),
    ).toEqual([1, 1]);
  });
});
