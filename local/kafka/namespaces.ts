import { rm } from "node:fs/promises";
import type { ArmResource, Backend, BackendGroup, ResourceView } from "../arm/backend.ts";
import { badRequest, notFound } from "../arm/errors.ts";
import { stringAt } from "../arm/http.ts";
import { planIssuer } from "../arm/identity/oauth.ts";
import { createEntries, halt, type Entry } from "../entries.ts";
import type { Authority } from "../pki/authority.ts";
import { endLeftOverKafka, startKafka, type KafkaPart, type KafkaServer } from "./server.ts";
import { ensureTopic, planTopic, removeTopic } from "./topics.ts";

export interface KafkaBackendsOptions {
  /** A folder per namespace is made below it. */
  dir: string;
  part: KafkaPart;
  /** Signs the brokers' certificates. */
  authority: Authority;
  /** The directory's public keys, by which brokers let identities in. */
  keysFile: string;
  /** The list of brokers has changed. */
  onChange: () => void;
  /** Told what goes wrong beside the requests. */
  log?: (message: string, error?: unknown) => void;
}

export interface RunningNamespace {
  resourceId: string;
  /** `127.0.0.1:PORT` */
  bootstrapServers: string;
}

export interface KafkaBackends extends BackendGroup {
  namespaces(): RunningNamespace[];
}

const namespaceType = "microsoft.eventhub/namespaces";

/** A Kafka broker behind every Event Hubs namespace, with its event hubs as topics. Consumer groups are names only. */
export function createKafkaBackends(options: KafkaBackendsOptions): KafkaBackends {
  const entries = createEntries<Entry<KafkaServer>>(options.dir);
  let stopped = false;
  const running = (entry: Entry<KafkaServer>) => {
    if (stopped) throw new Error("The local cloud is stopping.");
    return ensureServer(entry, options);
  };

  const namespaces: Backend = {
    type: namespaceType,
    async ensure(resource) {
      const entry = entries.of(resource);
      const { port } = await entry.serial(() => running(entry));
      // Azure has Kafka on 9093 of the same host; here the port is Kafka's own.
      return { serviceBusEndpoint: `https://127.0.0.1:${port}/` };
    },
    async remove(resource) {
      const entry = entries.of(resource);
      await entry.serial(async () => {
        await halt(entry);
        await endLeftOverKafka(entry.dir);
        await rm(entry.dir, { recursive: true, force: true });
        entries.delete(resource.id);
      });
      options.onChange();
    },
  };
  const hubs: Backend = {
    type: `${namespaceType}/eventhubs`,
    async ensure(resource, view) {
      const namespace = namespaceOf(resource, view);
      if (!namespace)
        throw notFound("ParentResourceNotFound", `The namespace of ${resource.name} was not found.`);
      const entry = entries.of(namespace);
      await entry.serial(async () => ensureTopic((await running(entry)).admin, planTopic(resource)));
      return {};
    },
    // A namespace that is gone or going has taken its topics along.
    async remove(resource, view) {
      const namespace = namespaceOf(resource, view);
      const entry = namespace && entries.get(namespace.id);
      await entry?.serial(async () => {
        if (entry.server?.isRunning()) await removeTopic(entry.server.admin, resource.name);
      });
    },
  };
  return {
    backends: [namespaces, hubs],
    namespaces: () => entries.all().flatMap(runningNamespace),
    async stop() {
      stopped = true;
      await Promise.all(entries.all().map((entry) => entry.serial(() => halt(entry))));
    },
  };
}

async function ensureServer(entry: Entry<KafkaServer>, options: KafkaBackendsOptions): Promise<KafkaServer> {
  if (entry.server?.isRunning()) return entry.server;
  await halt(entry);
  const { dir, resource } = entry;
  const { part, authority, keysFile, log = () => undefined } = options;
  if (part.java === "" || part.libs === "")
    throw badRequest("PartMissing", "Java or Kafka, with which this installation was made, is not there.");
  const issuer = planIssuer(stringAt(resource.body, "private.tenantId") ?? "");
  const server = await startKafka({ ...part, dir, name: resource.name, authority, keysFile, issuer });
  entry.server = server;
  const isWanted = () => entry.server === server;
  entry.revive({
    ended: server.ended,
    isWanted,
    // Asked once more in turn: a stop or a removal may have been waiting before it.
    restart: () => entry.serial(async () => isWanted() && (await ensureServer(entry, options))),
    log,
  });
  options.onChange();
  return server;
}

function runningNamespace({ resource, server }: Entry<KafkaServer>): RunningNamespace[] {
  return server ? [{ resourceId: resource.id, bootstrapServers: `127.0.0.1:${server.port}` }] : [];
}

/** `…/namespaces/<namespace>/eventhubs/<name>` belongs to `…/namespaces/<namespace>`. */
function namespaceOf(hub: ArmResource, view: ResourceView): ArmResource | undefined {
  return view.get(hub.id.split("/").slice(0, -2).join("/"));
}
