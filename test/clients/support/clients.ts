/** Microsoft's own clients, logged in as a principal of a local ARM and trusting its authority only. */
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ContainerServiceClient } from "@azure/arm-containerservice";
import { DnsManagementClient } from "@azure/arm-dns";
import { EventHubManagementClient } from "@azure/arm-eventhub";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { ManagementLockClient } from "@azure/arm-locks";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { NetworkManagementClient } from "@azure/arm-network";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { PrivateDnsManagementClient } from "@azure/arm-privatedns";
import { RedisEnterpriseManagementClient } from "@azure/arm-redisenterprisecache";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { ClientSecretCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { definitionOf } from "../../../local/arm/definitions/index.ts";
import type { ArmUnderTest } from "../../local/arm/support/arm.ts";

export type Clients = ReturnType<typeof createClients>;

/** The version of a type's published definition. */
export function versionOf(type: string): string {
  const version = definitionOf(type)?.apiVersion;
  if (version === undefined) throw new Error(`no definition of ${type}`);
  return version;
}

/** A client has one API version, the newest of its release; this makes it ask in another. */
function inVersion(version: string): PipelinePolicy {
  return {
    name: "apiVersion",
    sendRequest: (request, next) => {
      const url = new URL(request.url);
      url.searchParams.set("api-version", version);
      request.url = url.toString();
      return next(request);
    },
  };
}

interface ClientOptions {
  /** Tries after the first; none shows each refusal as it is. */
  maxRetries?: number;
  /** Ask in the version that the client was released with, or in that of the published definitions. */
  version?: "own" | "published";
}

export function createClients(
  arm: ArmUnderTest,
  principal = "sp-tenant",
  { maxRetries = 0, version = "own" }: ClientOptions = {},
) {
  const { tenantId, clientId, secret, subscriptionId } = arm.running.cloud.directory.principal(principal);
  const origin = arm.running.url;
  const trust = { tlsOptions: { ca: arm.authority.certificate } };
  const credential = new ClientSecretCredential(tenantId, clientId, secret.value, {
    authorityHost: origin,
    disableInstanceDiscovery: true,
    ...trust,
  });
  const common = { endpoint: origin, ...trust, retryOptions: { maxRetries } };
  const of = (type: string) => ({
    ...common,
    additionalPolicies:
      version === "own" ? [] : [{ policy: inVersion(versionOf(type)), position: "perCall" as const }],
  });
  return {
    subscriptionId,
    tenantId,
    credential,
    // Generic: takes the version with each call, and groups in any.
    resources: new ResourceManagementClient(credential, subscriptionId, common),
    network: new NetworkManagementClient(credential, subscriptionId, of("Microsoft.Network/virtualNetworks")),
    dns: new DnsManagementClient(credential, subscriptionId, of("Microsoft.Network/dnsZones")),
    privateDns: new PrivateDnsManagementClient(
      credential,
      subscriptionId,
      of("Microsoft.Network/privateDnsZones"),
    ),
    containers: new ContainerServiceClient(
      credential,
      subscriptionId,
      of("Microsoft.ContainerService/managedClusters"),
    ),
    storage: new StorageManagementClient(credential, subscriptionId, of("Microsoft.Storage/storageAccounts")),
    vaults: new KeyVaultManagementClient(credential, subscriptionId, of("Microsoft.KeyVault/vaults")),
    identities: new ManagedServiceIdentityClient(
      credential,
      subscriptionId,
      of("Microsoft.ManagedIdentity/userAssignedIdentities"),
    ),
    authorization: new AuthorizationManagementClient(
      credential,
      subscriptionId,
      of("Microsoft.Authorization/roleAssignments"),
    ),
    locks: new ManagementLockClient(credential, subscriptionId, of("Microsoft.Authorization/locks")),
    postgres: new PostgreSQLManagementFlexibleServerClient(
      credential,
      subscriptionId,
      of("Microsoft.DBforPostgreSQL/flexibleServers"),
    ),
    redis: new RedisEnterpriseManagementClient(
      credential,
      subscriptionId,
      of("Microsoft.Cache/redisEnterprise"),
    ),
    events: new EventHubManagementClient(credential, subscriptionId, of("Microsoft.EventHub/namespaces")),
    /** The data plane of a vault, `https://…/vaults/<name>/`. */
    secrets: (vaultUri: string) =>
      new SecretClient(vaultUri, credential, { ...trust, disableChallengeResourceVerification: true }),
  };
}
