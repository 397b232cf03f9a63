/** Two real blob servers, a shared account and a tenant's own, and a directory that signs the mover in. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { UnsecuredJWT } from "jose";
import { openContainer } from "../../../../commands/demo/container.ts";
import type { Container } from "../../../../commands/demo/container.ts";
import { startBlobServer } from "../../../../local/blobs/server.ts";
import type { BlobServer } from "../../../../local/blobs/server.ts";
import { openArm } from "../../../local/arm/support/arm.ts";
import { ACME, endOf, loginOf, startAlongside, startMover } from "../mover.ts";
import type { Ended } from "../mover.ts";

export interface Accounts {
  source: BlobServer;
  target: BlobServer;
  /** The shared container with all tenants' prefixes, and the tenant's own, as a service would write to them. */
  shared: Container;
  own: Container;
  /** What the mover is told; the secrets are in it. */
  document: Record<string, unknown>;
  secret: string;
  /** The data command as a process of its own that trusts the authority. */
  start(verb: string, document?: unknown, store?: "blobs" | "postgres"): ChildProcess;
  run(verb: string, document?: unknown, store?: "blobs" | "postgres"): Promise<Ended>;
  /** Leaves a block of a blob of the shared container uncommitted, as a service does that ends before its upload. */
  stageBlock(name: string, id: Buffer): Promise<void>;
  /** What is settled beside the rows when the tenant goes back. */
  settleBack(document: unknown): Promise<Ended>;
  stop(): Promise<void>;
}

/** Starts everything; `main` from `blobServerProgram()`. */
export async function startAccounts(main: string): Promise<Accounts> {
  const dir = await mkdtemp(path.join(tmpdir(), "tierlift-blobs-"));
  const arm = await openArm();
  const { authority } = arm;
  const startOne = (account: string) =>
    startBlobServer({ dir: path.join(dir, account), account, main, authority, keys: [] });
  const [source, target] = await Promise.all([startOne("sharedst"), startOne("acmest")]);
  await Promise.all([source.ensureContainer("tenants"), target.ensureContainer("data")]);
  const open = (server: BlobServer, container: string) =>
    openContainer({
      endpoint: server.endpoint,
      container,
      ca: authority.certificate,
      token: tokenForStorage(),
    });
  const login = (name: string) => loginOf(arm, name);
  const document = {
    tenant: ACME,
    blobs: {
      metadataHost: new URL(arm.running.url).host,
      source: { endpoint: source.endpoint, container: "tenants", login: login("tierlift-platform") },
      target: { endpoint: target.endpoint, container: "data", login: login("sp-tenant") },
    },
  };
  const start: Accounts["start"] = (verb, given = document, store = "blobs") =>
    startMover(store, verb, given, authority.certificateFile);
  return {
    source,
    target,
    shared: open(source, "tenants"),
    own: open(target, "data"),
    document,
    secret: login("tierlift-platform").clientSecret,
    start,
    run: (verb, given, store) => endOf(start(verb, given, store)),
    stageBlock: async (name, id) => {
      const url = new URL(`tenants/${name}`, source.endpoint);
      url.search = new URLSearchParams({ comp: "block", blockid: id.toString("base64") }).toString();
      const headers = {
        authorization: `Bearer ${tokenForStorage()}`,
        "x-ms-version": "2021-12-02",
        "content-length": 1,
      };
      const options = {
        method: "PUT",
        ca: authority.certificate,
        headers,
        signal: AbortSignal.timeout(30_000),
      };
      const request = https.request(url, options).end("x");
      const [answer] = (await once(request, "response")) as [IncomingMessage];
      answer.resume();
      if (answer.statusCode !== 201) throw new Error(`the block was answered with ${answer.statusCode}`);
    },
    settleBack: (given) => endOf(startAlongside("blobs-return", given, authority.certificateFile)),
    async stop() {
      await Promise.all([source.stop(), target.stop()]);
      await arm.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Azurite reads a token's claims and not its signature. */
export function tokenForStorage(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { aud: "https://storage.azure.com", iss: "https://sts.windows.net/d/", iat: now };
  return new UnsecuredJWT({ ...claims, nbf: now - 5, exp: now + 3600 }).encode();
}
