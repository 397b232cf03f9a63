/** How a stack runs this project's data command. */
import * as pulumi from "@pulumi/pulumi";
import type { Login } from "../cluster/cluster.ts";
import type { CacheLogin, KafkaAddress, PostgresLogin, Tenant } from "../connections.ts";
import type { ConsumerOffsets } from "../spec.ts";
import { planTopics } from "../stores/plan.ts";

/** Quotes for a POSIX shell: inside single quotes nothing is special but the single quote itself. */
export function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_\-./:=@%+,]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The shell line for one verb, for example `node --import tsx main.ts postgres copy`. */
export function planDataCommand(dataCommand: string[], ...words: string[]): string {
  return [...dataCommand, ...words].map(quoteForShell).join(" ");
}

/** What the data command reads from standard input; see `automation/data/request.ts`. */
export interface DataDocument {
  tenant: { id: string; slug: string };
  source: PostgresLogin;
  target?: PostgresLogin;
  databases: pulumi.Input<string[]>;
  migrationId?: string;
  /** The tenant's role on the source, when it is to be made. */
  role?: { name: pulumi.Input<string>; password: pulumi.Input<string>; connectionLimit: number };
}

/** The document as one secret line: it carries passwords, so it is never part of the command line. */
export function planStdin(document: DataDocument): pulumi.Output<string> {
  const { source, target } = document;
  return pulumi.secret(
    pulumi
      .output({ ...document, source: login(source), target: target ? login(target) : undefined })
      .apply((resolved) => JSON.stringify(resolved)),
  );
}

/** A container of blobs and who reaches it; without a login it is the ambient identity. */
export interface BlobContainer {
  endpoint: pulumi.Output<string>;
  container: pulumi.Input<string>;
  login: Login;
}

export interface BlobsDocument {
  tenant: { id: string; slug: string };
  blobs: {
    /** `host:port` that answers `/metadata/endpoints`, when it is not public Azure. */
    metadataHost?: string;
    /** The shared container. */
    source: BlobContainer;
    target?: BlobContainer;
  };
}

/** The same for the blobs' verbs. */
export function planBlobsStdin({ tenant, blobs }: BlobsDocument): pulumi.Output<string> {
  const { metadataHost, source, target } = blobs;
  const document = { metadataHost, source: signedIn(source), target: target && signedIn(target) };
  return pulumi.secret(
    pulumi.output({ tenant, blobs: document }).apply((resolved) => JSON.stringify(resolved)),
  );
}

function signedIn({ endpoint, container, login }: BlobContainer) {
  return { endpoint, container, login: wholeLogin(login) };
}

/** Kafka's side of an Event Hubs namespace and who comes there, as above. */
export type KafkaNamespace = KafkaAddress & { login: Login };

export interface KafkaDocument {
  tenant: { id: string; slug: string };
  kafka: {
    metadataHost?: string;
    /** The shared namespace. */
    source: KafkaNamespace;
    target?: KafkaNamespace;
    /** Where the tenant's groups begin there. */
    offsets?: ConsumerOffsets;
  };
}

/** The same for Kafka's verbs. */
export function planKafkaStdin({ tenant, kafka }: KafkaDocument): pulumi.Output<string> {
  const { metadataHost, source, target, offsets } = kafka;
  const admitted = ({ bootstrapServers, namespace, login }: KafkaNamespace) => ({
    bootstrapServers,
    namespace,
    login: wholeLogin(login),
  });
  const document = {
    metadataHost,
    source: admitted(source),
    target: target && admitted(target),
    offsets,
    ...planTopics(),
  };
  return pulumi.secret(
    pulumi.output({ tenant, kafka: document }).apply((resolved) => JSON.stringify(resolved)),
  );
}

function wholeLogin({ azureTenantId, clientId, clientSecret }: Login) {
  return azureTenantId && clientId && clientSecret ? { azureTenantId, clientId, clientSecret } : undefined;
}

export interface CacheDocument {
  tenant: { id: string; slug: string };
  cache: {
    /** The shared cache. */
    source: CacheLogin;
    target?: CacheLogin;
  };
}

/** The same for the cache's verbs. */
export function planCacheStdin(document: CacheDocument): pulumi.Output<string> {
  return pulumi.secret(pulumi.output(document).apply((resolved) => JSON.stringify(resolved)));
}

/** Only what the document knows: an output may hold more. */
function login({ host, port, user, password }: PostgresLogin): PostgresLogin {
  return { host, port, user, password };
}

export function planDataTenant({ id, slug }: Tenant): { id: string; slug: string } {
  return { id, slug };
}
