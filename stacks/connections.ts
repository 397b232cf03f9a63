/** How the parts of a footprint find each other: the values that one component hands to the next. */
import type * as pulumi from "@pulumi/pulumi";
import type { TenantSpec, Tier } from "./spec.ts";

export type Tenant = TenantSpec["tenant"];

/** A PostgreSQL login; the password is a secret output. */
export interface PostgresLogin {
  host: pulumi.Output<string>;
  port: pulumi.Output<number>;
  user: pulumi.Output<string>;
  password: pulumi.Output<string>;
}

/** A Redis server that speaks TLS; the password is an access key, and a secret output. */
export interface CacheLogin {
  host: pulumi.Output<string>;
  port: pulumi.Output<number>;
  password: pulumi.Output<string>;
}

/** Kafka's side of an Event Hubs namespace; whoever comes there brings a token for the namespace's name. */
export interface KafkaAddress {
  bootstrapServers: pulumi.Output<string>;
  namespace: pulumi.Output<string>;
}

/** What the services of one namespace connect to; passwords are secret outputs. */
export interface StoreConnections {
  postgres: PostgresLogin;
  cache: CacheLogin;
  kafka: KafkaAddress;
}

/** The certificate of the tenant's hosts as handed in; both parts are secret outputs. */
export interface TlsPair {
  certificatePem: pulumi.Output<string>;
  privateKeyPem: pulumi.Output<string>;
}

/** What every component of a tenant's footprint is told. */
export interface Footing {
  tenant: Tenant;
  tier: Tier;
  /**
   * What takes a Kubernetes object with it when it goes: the dedicated cluster. Given to every object as the resource
   * option `deletedWith`; absent on the shared cluster, where each object is deleted by itself.
   */
  deletedWith?: pulumi.Resource;
}

/** Where the ingress controller's load balancer gets its address from. */
export interface IngressAddress {
  publicIpName: pulumi.Output<string>;
  resourceGroupName: pulumi.Output<string>;
  address: pulumi.Output<string>;
}

/** Host names by which a tenant's services answer, and the certificate for them. */
export interface IngressHosts {
  /** `<slug>.<zone>` and, while the new infrastructure is tried, `next.<slug>.<zone>`: hosts are below each of them. */
  domains: pulumi.Input<string>[];
  tls?: TlsPair;
  /** The cert-manager issuer to ask where no `tls` is handed in. */
  certificateIssuer?: string;
}
