/** Where a running local cloud can be found: `TIERLIFT_HOME/cloud/connection.json`, mode 0600, rewritten atomically. */

export interface CloudConnection {
  pid: number;
  /** `https://127.0.0.1:PORT`: ARM, `/metadata/endpoints`, OAuth 2.0 tokens and vaults' data plane. */
  armUrl: string;
  metadataHost: string;
  caFile: string;
  operatorTokenFile: string;
  dns: { host: string; port: number };
  platform: { clientId: string; clientSecretFile: string; azureTenantId: string; subscriptionId: string };
  /** The vault that holds the references tenants submit; `https://127.0.0.1:PORT/vaults/<name>`. */
  platformVaultUrl: string;
  /** A service principal of the local directory that may be submitted. */
  credentials: { clientId: string; clientSecretRef: string; azureTenantId: string; subscriptionId: string };
  /** In step with the resources. */
  clusters: { name: string; resourceId: string; kubeconfig: string }[];
  postgres: { resourceId: string; host: string; port: number; user: string; passwordFile: string }[];
  blobs: { resourceId: string; endpoint: string }[];
  /** Absent where set-up brought no Redis: then nothing answers behind caches. */
  cache?: { resourceId: string; host: string; port: number; passwordFile: string }[];
  /** Absent where set-up brought no Kafka: then nothing answers behind event namespaces. */
  kafka?: { resourceId: string; bootstrapServers: string }[];
}
