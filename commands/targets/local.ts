/** The local target: the local cloud stands in for Azure, and this project's plugins for the official ones. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { discoverCloud } from "../../automation/azure/cloud.ts";
import { createPrincipalCredential } from "../../automation/azure/service-principal.ts";
import type { Ports } from "../../automation/ports.ts";
import type { CloudConnection } from "../../local/connection.ts";
import { ensureAuthority } from "../../local/pki/authority.ts";
import { RETRY_DELAYS_VARIABLE } from "../../local/providers/azure-native/config.ts";
import { OPTIONAL_STORES } from "../../stacks/spec.ts";
import { PLUGIN_NAMES } from "./target.ts";
import type { PluginName, Target } from "./target.ts";

export interface LocalTargetOptions {
  connection: CloudConnection;
  /** A folder of the installation's own, readable by its owner only. */
  secretsDir: string;
  /** Where other plugins than this project's are to be used: a folder, or `official`. */
  replacedPlugins: Partial<Record<PluginName, string>>;
  /** Waits of the azure-native plugin before its repetitions; null leaves them as they are. */
  armRetryDelaysMs: readonly number[] | null;
}

export async function createLocalTarget({
  connection,
  secretsDir,
  replacedPlugins,
  armRetryDelaysMs,
}: LocalTargetOptions): Promise<Target> {
  const { metadataHost, caFile, platform, dns } = connection;
  const clientSecret = (await readFile(platform.clientSecretFile, "utf8")).trim();
  const cloud = await discoverCloud(metadataHost);
  return {
    program: {
      metadataHost,
      platform: { ...platformOf(platform), useDefaultCredential: false },
      platformClientSecret: clientSecret,
      // Their servers are optional parts of the local cloud.
      absentStores: OPTIONAL_STORES.filter((store) => connection[store] === undefined),
    },
    plugins: planPlugins(replacedPlugins),
    hostedPlugins: PLUGIN_NAMES.filter((name) => replacedPlugins[name] === undefined),
    // Node's plugins read the first of these, Go's the second.
    environment: {
      NODE_EXTRA_CA_CERTS: caFile,
      SSL_CERT_FILE: caFile,
      ...(armRetryDelaysMs && { [RETRY_DELAYS_VARIABLE]: armRetryDelaysMs.join(",") }),
    },
    cloud,
    credential: createPrincipalCredential(cloud, platform.azureTenantId, platform.clientId, clientSecret),
    platformVaultUrl: connection.platformVaultUrl,
    dnsServers: [`${dns.host}:${dns.port}`],
    passwordSeed: () => keptSecret(join(secretsDir, "password-seed")),
    issueCertificate: createIssuer(secretsDir),
  };
}

const platformOf = ({ clientId, azureTenantId, subscriptionId }: CloudConnection["platform"]) => ({
  clientId,
  azureTenantId,
  subscriptionId,
});

/** This project's plugins but for those that are replaced; the official ones are found by the engine itself. */
export function planPlugins(replaced: Partial<Record<PluginName, string>>): { name: string; path: string }[] {
  return PLUGIN_NAMES.flatMap((name) => {
    const other = replaced[name];
    if (other === "official") return [];
    return [
      { name, path: other ?? fileURLToPath(new URL(`../../local/providers/${name}`, import.meta.url)) },
    ];
  });
}

/** A secret made once and kept in a file of its owner's only. */
async function keptSecret(file: string): Promise<string> {
  if (!existsSync(file)) {
    const secret = randomBytes(32).toString("base64url");
    await writeFile(file, secret, { mode: 0o600, flag: "wx" });
  }
  return (await readFile(file, "utf8")).trim();
}

/** Certificates of the local authority's, one for each set of hosts, kept so that stacks see the same one again. */
function createIssuer(secretsDir: string): Ports["issueCertificate"] {
  const dir = join(secretsDir, "certificates");
  return async (hosts) => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const file = join(
      dir,
      `${createHash("sha256")
        .update([...hosts].sort().join("\n"))
        .digest("hex")}.json`,
    );
    if (!existsSync(file)) {
      const authority = await ensureAuthority(join(dir, "authority"), "Tierlift tenants' hosts");
      const { certificate, key } = await authority.issue({
        commonName: hosts[0] ?? "tenant",
        hosts,
        usages: ["server"],
      });
      const pair = { certificatePem: certificate, privateKeyPem: key };
      await writeFile(file, JSON.stringify(pair), { mode: 0o600 });
    }
    return JSON.parse(await readFile(file, "utf8")) as { certificatePem: string; privateKeyPem: string };
  };
}
