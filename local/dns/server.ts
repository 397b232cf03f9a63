import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import dns, { type OptAnswer, type Packet } from "dns-packet";
import { claimPorts } from "../ports.ts";
import { answerQuery, truncated } from "./answer.ts";
import type { Zone } from "./zone.ts";

export interface DnsServerOptions {
  /** A loopback address. */
  host: string;
  /** The port wanted; another one when it is taken. */
  port?: number;
  /** Asked for every query, so that an answer is never older than the records. */
  zones: () => readonly Zone[];
  log?: (message: string, error: unknown) => void;
}

export interface DnsServer {
  readonly host: string;
  /** The same for UDP and TCP. */
  readonly port: number;
  close(): Promise<void>;
}

/** RFC 1035 section 4.2.1, for clients that name no size. */
const plainUdpSize = 512;
/** What we accept to send in one datagram when asked for more (RFC 9715). */
const largestUdpSize = 1232;
const tcpIdleMs = 10_000;

/** An authoritative name server on one loopback port. Rejects when it cannot listen. */
export async function createDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { host } = options;
  const [port] = (await claimPorts(1, options.port === undefined ? [] : [options.port])) as [number];
  const udp = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
  udp.on("message", (message, sender) => {
    const reply = answerBytes(message, options, true);
    if (reply) udp.send(reply, sender.port, sender.address, () => undefined);
  });
  const connections = new Set<Socket>();
  const tcp = createServer((connection) => {
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
    serveConnection(connection, options);
  });
  await Promise.all([bindUdp(udp, port, host), listenTcp(tcp, port, host)]).catch(async (error: unknown) => {
    await Promise.allSettled([closeUdp(udp), closeTcp(tcp)]);
    throw error;
  });
  return {
    host,
    port,
    async close() {
      for (const connection of connections) connection.destroy();
      await Promise.all([closeUdp(udp), closeTcp(tcp)]);
    },
  };
}

/** Undefined for what is no query: answering it could make two servers talk to each other for ever. */
function answerBytes(message: Buffer, options: DnsServerOptions, datagram: boolean): Buffer | undefined {
  let query: Packet;
  try {
    query = dns.decode(message);
  } catch {
    return undefined;
  }
  if (query.type !== "query") return undefined;
  try {
    const client = query.additionals?.find((record): record is OptAnswer => record.type === "OPT");
    const packet = answerQuery(query, options.zones());
    const own = {
      type: "OPT",
      name: ".",
      udpPayloadSize: largestUdpSize,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    };
    const reply: Packet = client ? { ...packet, additionals: [own as unknown as OptAnswer] } : packet;
    const bytes = dns.encode(reply);
    const size = Math.min(Math.max(client?.udpPayloadSize ?? plainUdpSize, plainUdpSize), largestUdpSize);
    return datagram && bytes.length > size ? dns.encode(truncated(reply)) : bytes;
  } catch (error) {
    options.log?.("a DNS query could not be answered", error);
    const failed = {
      type: "response",
      id: query.id ?? 0,
      flags: serverFailure,
      questions: query.questions ?? [],
    } as const;
    return dns.encode(failed);
  }
}

const serverFailure = 2;

/** Messages over TCP carry their length in front; one connection may ask many questions. */
function serveConnection(connection: Socket, options: DnsServerOptions): void {
  let received = Buffer.alloc(0);
  connection.setTimeout(tcpIdleMs, () => connection.destroy());
  connection.on("error", () => connection.destroy());
  connection.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const reply = answerBytes(received.subarray(2, end), options, false);
      received = received.subarray(end);
      if (!reply) return void connection.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      connection.write(Buffer.concat([length, reply]));
    }
  });
}

function bindUdp(socket: UdpSocket, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.off("error", reject);
      socket.on("error", () => undefined); // a client that went away
      resolve();
    });
  });
}

function listenTcp(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function closeUdp(socket: UdpSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve());
  });
}

function closeTcp(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
