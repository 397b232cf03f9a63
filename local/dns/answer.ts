import type { Answer, Packet } from "dns-packet";
import { isWithin, normalName, parentName, type RecordSet, type Zone } from "./zone.ts";

const flags = { response: 1 << 15, authoritative: 1 << 10, truncated: 1 << 9, recursionDesired: 1 << 8 };
const rcodes = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
type Rcode = keyof typeof rcodes;

/** What a name server says to one question, before it becomes a packet. */
interface Reply {
  rcode: Rcode;
  authoritative: boolean;
  answers: Answer[];
  authorities: Answer[];
}

/** A chain of aliases longer than this is a mistake of whoever wrote the records. */
const longestChain = 8;

/**
 * Answers a query from the public zones: the most specific zone speaks, delegations below it are referred to, wildcards
 * follow RFC 4592, an absent name (NXDOMAIN) and an absent type (no answers) carry the zone's SOA. Names outside all
 * zones are refused: this server does not ask others.
 */
export function answerQuery(query: Packet, zones: readonly Zone[]): Packet {
  const questions = query.questions ?? [];
  const question = questions[0];
  const publicZones = zones.filter((zone) => !zone.private);
  let reply: Reply;
  if ((query as { opcode?: string }).opcode !== "QUERY") reply = refusal("NOTIMP");
  else if (questions.length !== 1 || question === undefined) reply = refusal("FORMERR");
  else if (question.class !== undefined && question.class !== "IN") reply = refusal("REFUSED");
  else reply = resolve(question.name, question.type, publicZones);
  return {
    type: "response",
    id: query.id ?? 0,
    flags:
      flags.response |
      (reply.authoritative ? flags.authoritative : 0) |
      ((query.flags ?? 0) & flags.recursionDesired) |
      rcodes[reply.rcode],
    questions,
    answers: reply.answers,
    authorities: reply.authorities,
  };
}

/** The same packet as it goes when it is too long for UDP: no records, and the mark to ask again over TCP. */
export function truncated(packet: Packet): Packet {
  return { ...packet, flags: (packet.flags ?? 0) | flags.truncated, answers: [], authorities: [] };
}

function resolve(asked: string, type: string, zones: readonly Zone[]): Reply {
  const answers: Answer[] = [];
  let name = normalName(asked);
  // The answer repeats the name as it was asked: some resolvers mix cases and compare (RFC 1034, 0x20 encoding).
  let shown = asked.replace(/\.$/, "");
  for (let step = 0; step < longestChain; step++) {
    const zone = mostSpecific(name, zones);
    if (!zone)
      return step === 0
        ? refusal("REFUSED")
        : { rcode: "NOERROR", authoritative: true, answers, authorities: [] };
    const found = lookUp(zone, name, type);
    if (found.kind === "referral") {
      return {
        rcode: "NOERROR",
        authoritative: step > 0,
        answers,
        authorities: records(found.set, found.set.name),
      };
    }
    answers.push(...found.sets.flatMap((set) => records(set, shown)));
    if (found.kind !== "alias") {
      const empty = found.sets.length === 0;
      return {
        rcode: found.kind === "absent" ? "NXDOMAIN" : "NOERROR",
        authoritative: true,
        answers,
        authorities: empty ? negative(zone) : [],
      };
    }
    shown = found.target.replace(/\.$/, "");
    name = normalName(found.target);
  }
  return { rcode: "NOERROR", authoritative: true, answers, authorities: [] };
}

type Found =
  | { kind: "present" | "absent"; sets: RecordSet[] }
  | { kind: "alias"; sets: RecordSet[]; target: string }
  | { kind: "referral"; set: RecordSet };

/** RFC 1034 section 4.3.2, within one zone. */
function lookUp(zone: Zone, name: string, type: string): Found {
  const delegation = findDelegation(zone, name);
  if (delegation) return { kind: "referral", set: delegation };
  const source = exists(zone, name) ? name : wildcardFor(zone, name);
  if (source === undefined) return { kind: "absent", sets: [] };
  const here = zone.recordSets.filter((set) => set.name === source);
  const alias = here.find((set) => set.type === "CNAME");
  if (alias?.type === "CNAME" && alias.values[0] !== undefined && type !== "CNAME" && type !== "ANY") {
    return { kind: "alias", sets: [alias], target: alias.values[0] };
  }
  return { kind: "present", sets: here.filter((set) => type === "ANY" || set.type === type) };
}

/** The highest cut between the zone's apex and the name: what is below it is another server's to answer. */
function findDelegation(zone: Zone, name: string): RecordSet | undefined {
  let found: RecordSet | undefined;
  for (let at = name; at !== zone.name; at = parentName(at)) {
    found = zone.recordSets.find((set) => set.type === "NS" && set.name === at) ?? found;
  }
  return found;
}

/** A name exists when it, or any name below it, has records (RFC 4592 section 2.2.2). */
function exists(zone: Zone, name: string): boolean {
  return zone.recordSets.some((set) => isWithin(set.name, name));
}

/** The wildcard directly below the closest encloser; a name that exists blocks those above it (RFC 4592 section 3.3.1). */
function wildcardFor(zone: Zone, name: string): string | undefined {
  let encloser = parentName(name);
  while (encloser !== zone.name && !exists(zone, encloser)) encloser = parentName(encloser);
  const wildcard = `*.${encloser}`;
  return exists(zone, wildcard) ? wildcard : undefined;
}

function mostSpecific(name: string, zones: readonly Zone[]): Zone | undefined {
  return zones
    .filter((zone) => isWithin(name, zone.name))
    .reduce<Zone | undefined>(
      (best, zone) => (best && best.name.length >= zone.name.length ? best : zone),
      undefined,
    );
}

/** RFC 2308: how long an absence may be remembered is the SOA's minimum, or its own time to live if that is less. */
function negative(zone: Zone): Answer[] {
  const soa = zone.recordSets.find((set) => set.type === "SOA" && set.name === zone.name);
  if (soa?.type !== "SOA") return [];
  const ttl = Math.min(soa.ttl, ...soa.values.map(({ minimum }) => minimum));
  return records({ ...soa, ttl }, zone.name);
}

function records(set: RecordSet, name: string): Answer[] {
  return set.values.map((data) => ({ type: set.type, name, ttl: set.ttl, class: "IN", data }) as Answer);
}

function refusal(rcode: Rcode): Reply {
  return { rcode, authoritative: false, answers: [], authorities: [] };
}
