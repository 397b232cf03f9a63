import { rm } from "node:fs/promises";
import type { Backend, BackendGroup } from "../arm/backend.ts";
import { notFound } from "../arm/errors.ts";
import { stringAt } from "../arm/http.ts";
import { planIssuer } from "../arm/identity/oauth.ts";
import { adopt, ancestorOf, createEntries, halt, requirePart } from "../entries.ts";
import type { Entry, ServersOptions } from "../entries.ts";
import { endLeftOverKafka, startKafka, type KafkaPart, type KafkaServer } from "./server.ts";
import { ensureTopic, planTopic, removeTopic } from "./topics.ts";

export interface KafkaBackendsOptions extends ServersOptions {
  part: KafkaPart;
  /** The directory's public keys, by which brokers let identities in. */
  keysFile: string;
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
  const running = (entry: Entry<KafkaServer>) => {
    entries.requireOpen();
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
      await entries.discard(resource, async (dir) => {
        await endLeftOverKafka(dir);
        await rm(dir, { recursive: true, force: true });
      });
      options.onChange();
    },
  };
  const hubs: Backend = {
    type: `${namespaceType}/eventhubs`,
    async ensure(resource, view) {
      const namespace = ancestorOf(resource, view, 1);
      if (!namespace)
        throw notFound("ParentResourceNotFound", `The namespace of ${resource.name} was not found.`);
      const entry = entries.of(namespace);
      await entry.serial(async () => ensureTopic((await running(entry)).admin, planTopic(resource)));
      return {};
    },
    remove: (resource, view) =>
      entries.whileRunning(ancestorOf(resource, view, 1), ({ admin }) => removeTopic(admin, resource.name)),
  };
  return {
    backends: [namespaces, hubs],
    namespaces: () => entries.all().flatMap(runningNamespace),
    stop: () => entries.stop(),
  };
}

async function ensureServer(entry: Entry<KafkaServer>, options: KafkaBackendsOptions): Promise<KafkaServer> {
  if (entry.server?.isRunning()) return entry.server;
  await halt(entry);
  const { dir, resource } = entry;
  const { part, authority, keysFile, log } = options;
  await requirePart("Java, with which this installation was made, is not at", part.java);
  await requirePart("Kafka's jars are not in", part.libs);
  const issuer = planIssuer(stringAt(resource.body, "private.tenantId") ?? "");
  const server = await startKafka({ ...part, dir, name: resource.name, authority, keysFile, issuer });
  adopt(entry, server, { again: () => ensureServer(entry, options), log });
  options.onChange();
  return server;
}

function runningNamespace({ resource, server }: Entry<KafkaServer>): RunningNamespace[] {
  return server ? [{ resourceId: resource.id, bootstrapServers: `127.0.0.1:${server.port}` }] : [];
}
