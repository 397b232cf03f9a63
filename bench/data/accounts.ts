/** Two storage accounts as the local cloud runs them, and a directory that signs in, for as long as a bench takes. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { startArm } from "../../local/arm/server.ts";
import { startBlobServer } from "../../local/blobs/server.ts";
import { ensureAuthority } from "../../local/pki/authority.ts";
import { TENANT } from "./tables.ts";

const SHARED_CONTAINER = "tenants";
const OWN_CONTAINER = "data";

export interface BenchAccounts {
  /** PEM file of the authority that signed all certificates. */
  caFile: string;
  /** What the data command's blobs are told, secrets included. */
  document: { tenant: typeof TENANT; blobs: BlobsDocument };
  stop(): Promise<void>;
}

export interface BlobsDocument {
  metadataHost: string;
  source: Container;
  target: Container;
}

interface Container {
  endpoint: string;
  container: string;
  login: { azureTenantId: string; clientId: string; clientSecret: string };
}

/** `main` is the blob server's program. */
export async function startBenchAccounts(main: string): Promise<BenchAccounts> {
  const dir = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-blobs-"));
  const running: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((end) => end()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const authority = await ensureAuthority(path.join(dir, "pki"));
    const arm = await startArm({ home: path.join(dir, "arm"), authority, log: () => undefined });
    running.push(() => arm.close());
    const start = async (account: string, container: string, principal: string): Promise<Container> => {
      const folder = path.join(dir, account);
      const server = await startBlobServer({ dir: folder, account, main, authority, keys: [] });
      running.push(() => server.stop());
      await server.ensureContainer(container);
      const { tenantId, clientId, secret } = arm.cloud.directory.principal(principal);
      const login = { azureTenantId: tenantId, clientId, clientSecret: secret.value };
      return { endpoint: server.endpoint, container, login };
    };
    const source = await start("benchshared", SHARED_CONTAINER, "tierlift-platform");
    const target = await start("benchown", OWN_CONTAINER, "sp-tenant");
    const blobs = { metadataHost: new URL(arm.url).host, source, target };
    return { caFile: authority.certificateFile, document: { tenant: TENANT, blobs }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
