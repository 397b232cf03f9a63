/** Two real blob servers, a shared account and a tenant's own, and a directory that signs the mover in. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { UnsecuredJWT } from "jose";
import { openContainer } from "../../../../commands/demo/container.ts";
import type { Container } from "../../../../commands/demo/container.ts";
import { startBlobServer } from "../../../../local/blobs/server.ts";
import type { BlobServer } from "../../../../local/blobs/server.ts";
import { openArm } from "../../../local/arm/support/arm.ts";

export const ACME = { id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01", slug: "acme" };

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
  stop(): Promise<void>;
}

export interface Ended {
  code: number | null;
  report: Record<string, unknown>;
  stdout: string;
  stderr: string;
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
  const login = (name: string) => {
    const { tenantId, clientId, secret } = arm.running.cloud.directory.principal(name);
    return { azureTenantId: tenantId, clientId, clientSecret: secret.value };
  };
  const document = {
    tenant: ACME,
    blobs: {
      metadataHost: new URL(arm.running.url).host,
      source: { endpoint: source.endpoint, container: "tenants", login: login("tierlift-platform") },
      target: { endpoint: target.endpoint, container: "data", login: login("sp-tenant") },
    },
  };
  const start: Accounts["start"] = (verb, given = document, store = "blobs") => {
    const child = spawn(process.execPath, ["--import", "tsx", "automation/data/main.ts", store, verb], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: authority.certificateFile },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(JSON.stringify(given));
    return child;
  };
  return {
    source,
    target,
    shared: open(source, "tenants"),
    own: open(target, "data"),
    document,
    secret: login("tierlift-platform").clientSecret,
    start,
    run: (verb, given, store) => endOf(start(verb, given, store)),
    async stop() {
      await Promise.all([source.stop(), target.stop()]);
      await arm.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Waits for the end of a data command. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout!), text(child.stderr!), exited]);
  const report = code === 0 ? (JSON.parse(stdout) as Record<string, unknown>) : {};
  return { code, report, stdout, stderr };
}

/** Azurite reads a token's claims and not its signature. */
export function tokenForStorage(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { aud: "https://storage.azure.com", iss: "https://sts.windows.net/d/", iat: now };
  return new UnsecuredJWT({ ...claims, nbf: now - 5, exp: now + 3600 }).encode();
}
