import { readFileSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";

/** JSON over HTTPS. Plain HTTP is refused, as Microsoft's clients do: requests carry tokens and secrets. */

export interface HttpRequest {
  method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  url: string;
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
}

export type Send = (request: HttpRequest) => Promise<HttpAnswer>;

/** How long one request may take until its answer is read, milliseconds. */
const requestTimeoutMs = 100_000;

/** The authorities that Go programs take from SSL_CERT_FILE; Node itself reads only NODE_EXTRA_CA_CERTS. */
function extraAuthorities(environment: NodeJS.ProcessEnv): string[] | undefined {
  const file = environment["SSL_CERT_FILE"];
  if (!file || environment["NODE_EXTRA_CA_CERTS"]) return undefined;
  return [...rootCertificates, readFileSync(file, "utf8")];
}

/** A sender that keeps its connections; `ca` (PEM) replaces the authorities it trusts. */
export function createSend(environment: NodeJS.ProcessEnv = process.env, ca?: string): Send {
  const authorities = ca ?? extraAuthorities(environment);
  const agent = new Agent({ keepAlive: true, ...(authorities && { ca: authorities }) });
  return ({ method, url, headers = {}, body, signal }) =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      if (target.protocol !== "https:") {
        reject(new Error(`${target.origin} is no https address: tokens are not sent there`));
        return;
      }
      const request = httpsRequest(target, {
        agent,
        method,
        headers: { ...headers, ...(body !== undefined && { "content-length": Buffer.byteLength(body) }) },
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
      });
      request.on("error", reject);
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(flat) as Record<string, string>,
            text: Buffer.concat(chunks).toString("utf8"),
          });
        });
      });
      request.end(body);
    });
}
