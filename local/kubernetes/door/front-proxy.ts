/**
 * Requests forwarded to an API server as its authenticating proxy: who asks is read from the client's certificate and
 * told in headers that the API server believes from this proxy's certificate alone.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
 */
import { Agent, request } from "node:https";
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { TLSSocket } from "node:tls";
import type { KeyPair } from "../../pki/authority.ts";
import { identityHeaders } from "../flags.ts";

export interface FrontProxyOptions {
  /** Of the API server itself. */
  port: number;
  /** PEM; signed the API server's certificate. */
  ca: string;
  pair: KeyPair;
}

export interface FrontProxy {
  /** Passes the request on until it is given up; the answer as it begins. Rejects when there is none. */
  forward(call: IncomingMessage, givenUp: AbortSignal): Promise<IncomingMessage>;
  /** Status of a GET of the path, on behalf of who made the call. */
  look(call: IncomingMessage, path: string): Promise<number>;
  close(): void;
}

/** Of one connection, not of the message (RFC 9110, section 7.6.1). */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
const lookMs = 15_000;

export function createFrontProxy({ port, ca, pair }: FrontProxyOptions): FrontProxy {
  const trusted = new Agent({ keepAlive: true, ca, cert: pair.certificate, key: pair.key });
  // Who shows no certificate is the API server's to judge, by token; the proxy's word must not stand beside it.
  const plain = new Agent({ keepAlive: true, ca });
  const target = (call: IncomingMessage) => {
    const identity = identityOf(call.socket as TLSSocket);
    return {
      host: "127.0.0.1",
      port,
      agent: identity === undefined ? plain : trusted,
      headers: { ...forwarded(call.headers), ...identity },
    };
  };
  return {
    forward: (call, signal) =>
      new Promise((resolve, reject) => {
        const { method = "GET", url = "/" } = call;
        const outgoing = request({ ...target(call), method, path: url, signal }, resolve);
        outgoing.once("error", reject);
        call.once("error", (error) => outgoing.destroy(error));
        call.pipe(outgoing);
      }),
    look: (call, path) =>
      new Promise((resolve, reject) => {
        const { headers, ...where } = target(call);
        const kept = Object.entries(headers).filter(([name]) => !name.startsWith("content-"));
        const signal = AbortSignal.timeout(lookMs);
        const outgoing = request({ ...where, headers: Object.fromEntries(kept), path, signal }, (answer) =>
          resolve(answer.resume().statusCode ?? 0),
        );
        outgoing.once("error", reject);
        outgoing.end();
      }),
    close: () => {
      trusted.destroy();
      plain.destroy();
    },
  };
}

function identityOf(socket: TLSSocket): OutgoingHttpHeaders | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  const groups = [subject.O].flat().filter((one) => one !== undefined);
  return {
    [identityHeaders.user]: subject.CN,
    ...(groups.length > 0 && { [identityHeaders.group]: groups }),
  };
}

/** Without what a client must not say of itself, and what is this connection's own. */
function forwarded(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith("x-remote-") && !hopByHop.includes(name) && name !== "host",
  );
  return Object.fromEntries(kept);
}

/** An answer's headers for another connection. */
export const answered = (headers: IncomingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.includes(name)));
