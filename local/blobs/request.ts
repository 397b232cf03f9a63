/** The few requests the local cloud itself makes to a blob server, signed with the account's key. */
import { createHmac } from "node:crypto";
import https from "node:https";

export interface AccountAccess {
  /** `https://127.0.0.1:PORT/<account>/` */
  endpoint: string;
  account: string;
  /** Base64. */
  key: string;
  /** PEM of the authority that signs the server's certificate. */
  ca: string;
}

export interface BlobRequest {
  method: "GET" | "PUT" | "DELETE";
  container?: string;
  query: Record<string, string>;
}

export interface BlobAnswer {
  status: number;
  /** Azure's error code; empty when there is none. */
  code: string;
}

const apiVersion = "2021-12-02";
const timeoutMs = 10_000;

/** Rejects when there is no answer; every answer resolves. */
export function send(access: AccountAccess, { method, container, query }: BlobRequest): Promise<BlobAnswer> {
  const url = new URL(container ?? "", access.endpoint);
  url.search = new URLSearchParams(query).toString();
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": apiVersion };
  const signature = sign(access, { method, path: url.pathname, query, headers });
  return new Promise((resolve, reject) => {
    const request = https.request(
      url,
      {
        method,
        ca: access.ca,
        agent: false,
        timeout: timeoutMs,
        headers: {
          ...headers,
          "content-length": 0,
          authorization: `SharedKey ${access.account}:${signature}`,
        },
      },
      (response) => {
        response.resume();
        const code = response.headers["x-ms-error-code"];
        resolve({ status: response.statusCode ?? 0, code: typeof code === "string" ? code : "" });
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    request.on("error", reject);
    request.end();
  });
}

interface Signed {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
}

/** Shared Key: learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key. */
function sign({ account, key }: AccountAccess, { method, path, query, headers }: Signed): string {
  // Eleven standard headers, of which none is sent with a value that counts.
  const standard = "\n".repeat(12);
  const own = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const asked = Object.entries(query).map(([name, value]) => `\n${name}:${value}`);
  const text = `${method}${standard}${own.join("")}/${account}${path}${asked.join("")}`;
  return createHmac("sha256", Buffer.from(key, "base64")).update(text, "utf8").digest("base64");
}
