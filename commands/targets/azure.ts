/** The Azure target: the official plugins, the ambient or a configured principal, secrets in the platform's Key Vault. */
import { DefaultAzureCredential } from "@azure/identity";
import { discoverCloud } from "../../automation/azure/cloud.ts";
import { createSecretResolver } from "../../automation/azure/key-vault.ts";
import { createPrincipalCredential } from "../../automation/azure/service-principal.ts";
import type { Target } from "./target.ts";

/** The secret of the platform's vault that passwords are derived from. */
const SEED_SECRET = "tierlift-password-seed";

export interface AzureTargetOptions {
  platform: { subscriptionId: string; azureTenantId: string; clientId?: string; clientSecret?: string };
  platformVaultUrl: string;
  /** The cert-manager issuer for tenants' hosts. */
  certificateIssuer: string;
  /** What of the service's environment engines need to sign in by themselves, for example `AZURE_…`, `ARM_…`. */
  environment: Record<string, string>;
}

export async function createAzureTarget(options: AzureTargetOptions): Promise<Target> {
  const { platform, platformVaultUrl, certificateIssuer } = options;
  const { subscriptionId, azureTenantId, clientId, clientSecret } = platform;
  const cloud = await discoverCloud(undefined);
  const configured = clientId !== undefined && clientSecret !== undefined;
  const credential = configured
    ? createPrincipalCredential(cloud, azureTenantId, clientId, clientSecret)
    : new DefaultAzureCredential();
  const resolveSecret = createSecretResolver({ platformVaultUrl, credential, verifyChallenge: true });
  return {
    program: {
      platform: {
        subscriptionId,
        useDefaultCredential: !configured,
        ...(clientId === undefined ? {} : { clientId }),
        azureTenantId,
      },
      ...(configured ? { platformClientSecret: clientSecret } : {}),
      certificateIssuer,
    },
    plugins: [],
    hostedPlugins: [],
    environment: options.environment,
    cloud,
    credential,
    platformVaultUrl,
    dnsServers: null,
    passwordSeed: () => resolveSecret(SEED_SECRET),
    issueCertificate: () => Promise.resolve(undefined),
  };
}
