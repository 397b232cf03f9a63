import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Admin, type BaseOptions } from "@platformatic/kafka";
import { writeSecretFile, writeWhole } from "../files.ts";
import { ensureAuthority, type Authority } from "../pki/authority.ts";
import { claimPorts } from "../ports.ts";
import { endLeftOver, startServer } from "../process.ts";
import { planProperties, type Ports } from "./properties.ts";

export interface KafkaPart {
  /** The `java` that runs the broker. */
  java: string;
  /** Folder with Kafka's jars. */
  libs: string;
}

export interface KafkaServerOptions extends KafkaPart {
  /** Folder of this broker: its data, its log, its certificates. */
  dir: string;
  /** The namespace, which tokens must be for. */
  name: string;
  /** Signs the certificate that clients see. */
  authority: Authority;
  /** The directory's public keys, a JSON Web Key Set. */
  keysFile: string;
  /** The only issuer whose tokens are let in. */
  issuer: string;
}

/** A running broker, by itself a whole cluster. */
export interface KafkaServer {
  /** Clients' port: TLS, and tokens of the directory (OAUTHBEARER). */
  readonly port: number;
  /** A client that may do everything; ended with the server. */
  readonly admin: Admin;
  /** For further such clients. */
  readonly clientOptions: BaseOptions;
  isRunning(): boolean;
  /** Settles, with how, when the broker has ended. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const startDeadlineMs = 90_000;
const formatWithinMs = 60_000;
/** A broker that is told to end hands its logs over to the disk. */
const stopWithinMs = 20_000;
const run = promisify(execFile);

/** Starts the broker with its data in the folder, made when missing. One left by a killed run is ended first. */
export async function startKafka(options: KafkaServerOptions): Promise<KafkaServer> {
  const { dir, name, java, authority, keysFile, issuer } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await endLeftOverKafka(dir);
  const ports = await keepPorts(dir);
  const inner = await writeCertificates(dir, name, authority);
  const properties = path.join(dir, "server.properties");
  const keys = pathToFileURL(keysFile).href;
  await writeWhole(
    properties,
    planProperties({ dir, ports, keys, audience: audienceOf(name), issuer }),
    0o600,
  );
  await format(options, properties);
  const clientOptions = planClient(ports.inner, inner);
  const admin = new Admin(clientOptions);
  const server = await startServer({
    name: `Kafka broker of ${name}`,
    command: java,
    // Kafka reads keys from no address that it was not started with.
    args: [
      ...planJava(options),
      `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${keys}`,
      "kafka.Kafka",
      properties,
    ],
    cwd: dir,
    logFile: path.join(dir, "kafka.log"),
    pidFile: pidFile(dir),
    ready: () => admin.listTopics().then(() => true),
    deadlineMs: startDeadlineMs,
    stop: { withinMs: stopWithinMs },
  }).catch(async (error: unknown) => {
    await admin.close();
    throw error;
  });
  return {
    port: ports.clients,
    admin,
    clientOptions,
    isRunning: () => server.isRunning(),
    ended: server.exited.then((how) => `${server.name} ${how}`),
    stop: async () => {
      await admin.close();
      await server.stop();
    },
  };
}

/** Ends what a killed run left in the folder. */
export async function endLeftOverKafka(dir: string): Promise<void> {
  await endLeftOver(pidFile(dir), { withinMs: stopWithinMs });
}

function pidFile(dir: string): string {
  return path.join(dir, "kafka.pid");
}

/** Whom tokens for a namespace are for, as in Azure. */
function audienceOf(name: string): string {
  return `https://${name.toLowerCase()}.servicebus.windows.net`;
}

/** A small broker: what it serves is a few thousand records, and it shares its machine with many others. */
function planJava({ dir, libs }: KafkaServerOptions): string[] {
  return [
    ...["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"],
    // Neither statistics nor unpacked libraries in the system's folder for temporary files.
    ...["-XX:-UsePerfData", `-Djava.io.tmpdir=${dir}`],
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    ...["-cp", path.join(libs, "*")],
  ];
}

/** A folder is formatted once, with an id of its own. One whose formatting was interrupted has held nothing. */
async function format(options: KafkaServerOptions, properties: string): Promise<void> {
  const data = path.join(options.dir, "data");
  const isFormatted = await readFile(path.join(data, "meta.properties")).then(
    () => true,
    () => false,
  );
  if (isFormatted) return;
  await rm(data, { recursive: true, force: true });
  const id = `T${randomBytes(16).toString("base64url").slice(1)}`;
  const args = [...planJava(options), "kafka.tools.StorageTool", "format", "-t", id, "-c", properties];
  await run(options.java, args, { cwd: options.dir, timeout: formatWithinMs });
}

/** The ports of the last start while they are free. */
async function keepPorts(dir: string): Promise<Ports> {
  const file = path.join(dir, "ports.json");
  const kept = await readFile(file, "utf8").then(
    (text): Partial<Ports> => JSON.parse(text) as Ports,
    (): Partial<Ports> => ({}),
  );
  const [clients, inner, controller] = await claimPorts(3, [kept.clients, kept.inner, kept.controller]);
  const ports = { clients: clients!, inner: inner!, controller: controller! };
  await writeWhole(file, JSON.stringify(ports), 0o600);
  return ports;
}

interface Inner {
  certificate: string;
  key: string;
  ca: string;
}

/**
 * One certificate of the local authority for clients to see, and one of an authority of the broker's own, without which
 * nobody gets in by the other listeners: the broker itself has it, and the local cloud.
 */
async function writeCertificates(dir: string, name: string, authority: Authority): Promise<Inner> {
  const own = await ensureAuthority(path.join(dir, "pki"), `Kafka broker of ${name}`);
  const hosts = ["127.0.0.1", "localhost"];
  const outer = await authority.issue({ commonName: name, hosts, usages: ["server"] });
  const inner = await own.issue({ commonName: name, hosts, usages: ["server", "client"] });
  await writeSecretFile(path.join(dir, "server.pem"), outer.key + outer.certificate);
  await writeSecretFile(path.join(dir, "inner.pem"), inner.key + inner.certificate);
  return { ...inner, ca: own.certificate };
}

function planClient(port: number, { certificate, key, ca }: Inner): BaseOptions {
  return {
    clientId: "tierlift-local-cloud",
    bootstrapBrokers: [{ host: "127.0.0.1", port }],
    tls: { cert: certificate, key, ca },
    timeout: 15_000,
    connectTimeout: 5_000,
    retries: 0,
  };
}
