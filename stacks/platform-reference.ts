import * as pulumi from "@pulumi/pulumi";
import type { StoreConnections } from "./connections.ts";

/** The platform's stack as the tenants' stacks read it. */
export interface PlatformReference {
  /** Secret. */
  kubeconfig: pulumi.Output<string>;
  clusterId: pulumi.Output<string>;
  ingressAddress: pulumi.Output<string>;
  zoneName: pulumi.Output<string>;
  zoneResourceGroup: pulumi.Output<string>;
  databases: pulumi.Output<string[]>;
  /** The shared container of blobs. */
  blobs: { endpoint: pulumi.Output<string>; container: pulumi.Output<string> };
  /** The shared stores, PostgreSQL as its administrator. */
  stores: StoreConnections;
}

interface PostgresOutput {
  host: string;
  port: number;
  user: string;
  password: string;
  databases: string[];
}

/** Reads the outputs of the platform's stack, named `organization/tierlift/platform` or the like. */
export function readPlatform(stack: string): PlatformReference {
  const reference = new pulumi.StackReference("platform", { name: stack });
  const read = <T>(name: string): pulumi.Output<T> => reference.requireOutput(name) as pulumi.Output<T>;
  const postgres = read<PostgresOutput>("postgres");
  const storage = read<{ endpoint: string; container: string }>("storage");
  const cache = read<{ host: string; port: number; password: string }>("cache");
  const kafka = read<{ bootstrapServers: string; namespace: string }>("kafka");
  return {
    kubeconfig: pulumi.secret(read<string>("kubeconfig")),
    clusterId: read("clusterId"),
    ingressAddress: read("ingressAddress"),
    zoneName: read("zoneName"),
    zoneResourceGroup: read("zoneResourceGroup"),
    databases: plain(postgres.databases),
    blobs: { endpoint: storage.endpoint, container: storage.container },
    stores: {
      postgres: {
        host: plain(postgres.host),
        port: plain(postgres.port),
        user: plain(postgres.user),
        password: pulumi.secret(postgres.password),
      },
      cache: { host: plain(cache.host), port: plain(cache.port), password: pulumi.secret(cache.password) },
      kafka: { bootstrapServers: kafka.bootstrapServers, namespace: kafka.namespace },
    },
  };
}

/** A password inside makes a whole output secret; addresses are not, and a review should show them. */
function plain<T>(value: pulumi.Output<T>): pulumi.Output<T> {
  return pulumi.unsecret(value);
}
