/** A container of a storage account as a service of the tenant would use it: written, listed and read as an identity. */
import type { IncomingHttpHeaders } from "node:http";
import https from "node:https";
import { buffer } from "node:stream/consumers";

const API_VERSION = "2021-12-02";
const ANSWER_WITHIN_MS = 30_000;

export interface ContainerOptions {
  /** Of the account, with a slash at its end. */
  endpoint: string;
  container: string;
  /** PEM of the authority that signs the server's certificate. */
  ca: string;
  /** Access token for `https://storage.azure.com`. */
  token: string;
}

export interface BlobContent {
  body: Buffer;
  contentType: string;
  metadata?: Record<string, string>;
}

export interface BlobEntry {
  name: string;
  bytes: number;
  /** Base64. */
  md5: string;
}

export interface Container {
  put(name: string, content: BlobContent): Promise<void>;
  read(name: string): Promise<BlobContent & { md5: string }>;
  /** Names with the given beginning, in the server's order; up to 5000. */
  list(prefix: string): Promise<string[]>;
  /** The same with what else the listing tells. */
  entries(prefix: string): Promise<BlobEntry[]>;
  remove(name: string): Promise<void>;
}

/** Every refusal rejects with the server's code. */
export function openContainer(options: ContainerOptions): Container {
  const address = (name: string) =>
    new URL([options.container, ...name.split("/").map(encodeURIComponent)].join("/"), options.endpoint);
  return {
    async put(name, { body, contentType, metadata = {} }) {
      const named = Object.entries(metadata).map(([key, value]) => [`x-ms-meta-${key}`, value] as const);
      await ask(options, "PUT", address(name), body, {
        "x-ms-blob-type": "BlockBlob",
        "content-type": contentType,
        ...Object.fromEntries(named),
      });
    },
    async read(name) {
      const { body, headers } = await ask(options, "GET", address(name));
      const named = Object.entries(headers).flatMap(([key, value]) =>
        key.startsWith("x-ms-meta-") ? [[key.slice("x-ms-meta-".length), String(value)] as const] : [],
      );
      return {
        body,
        contentType: headers["content-type"] ?? "",
        metadata: Object.fromEntries(named),
        md5: String(headers["content-md5"] ?? ""),
      };
    },
    list: async (prefix) => (await listEntries(options, prefix)).map(({ name }) => name),
    entries: (prefix) => listEntries(options, prefix),
    async remove(name) {
      await ask(options, "DELETE", address(name));
    },
  };
}

async function listEntries(options: ContainerOptions, prefix: string): Promise<BlobEntry[]> {
  const url = new URL(options.container, options.endpoint);
  url.search = new URLSearchParams({ restype: "container", comp: "list", prefix }).toString();
  const { body } = await ask(options, "GET", url);
  return [...body.toString().matchAll(/<Blob>(.*?)<\/Blob>/gs)].map(([, blob = ""]) => ({
    name: elementOf(blob, "Name"),
    bytes: Number(elementOf(blob, "Content-Length")),
    md5: elementOf(blob, "Content-MD5"),
  }));
}

const elementOf = (xml: string, name: string): string =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";

async function ask(
  { ca, token }: ContainerOptions,
  method: string,
  url: URL,
  body: Buffer = Buffer.alloc(0),
  more: Record<string, string> = {},
): Promise<{ body: Buffer; headers: IncomingHttpHeaders }> {
  const headers = {
    authorization: `Bearer ${token}`,
    "x-ms-version": API_VERSION,
    "content-length": body.length,
    ...more,
  };
  return new Promise((resolve, reject) => {
    const request = https.request(
      url,
      { method, ca, headers, agent: false, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) },
      (response) => {
        const { statusCode = 0, headers: answered } = response;
        buffer(response).then((said) => {
          if (statusCode < 300) resolve({ body: said, headers: answered });
          else
            reject(
              new Error(`${method} ${url.pathname}: ${statusCode} ${String(answered["x-ms-error-code"])}`),
            );
        }, reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
