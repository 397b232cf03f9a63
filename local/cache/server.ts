import { createHash, randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { writeSecretFile } from "../files.ts";
import type { Authority } from "../pki/authority.ts";
import { writeServerCertificate } from "../pki/server-certificate.ts";
import { endLeftOver, startServer } from "../process.ts";
import { ping } from "./ping.ts";

export interface CacheServerOptions {
  /** Folder of this server: its keys, its log, its certificate. */
  dir: string;
  name: string;
  port: number;
  /** `redis-server` */
  program: string;
  /** Signs the server's certificate. */
  authority: Authority;
  settings: CacheSettings;
}

export interface CacheSettings {
  /** Passwords that are let in; without any, nobody is. */
  accessKeys: string[];
  /** As Azure names it, for example `VolatileLRU`. */
  evictionPolicy: string;
  /** Keys are evicted beyond that. */
  maxMemoryGb: number;
}

/** A running Redis server. */
export interface CacheServer {
  readonly port: number;
  isRunning(): boolean;
  /** Settles, with how, when the server has ended. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const startDeadlineMs = 60_000;
/** Asks whether the server is ready; may do nothing else. */
const prober = "tierlift-probe";

/** Starts the server with its keys in the folder, made when missing. A server left by a killed run is ended first. */
export async function startCacheServer(options: CacheServerOptions): Promise<CacheServer> {
  const { dir, name, port, program, authority } = options;
  const data = path.join(dir, "data");
  await mkdir(data, { recursive: true, mode: 0o700 });
  await endLeftOverServer(dir);
  const password = randomBytes(32).toString("base64");
  const certificate = await writeServerCertificate(authority, name, dir);
  const configFile = path.join(dir, "redis.conf");
  const aclFile = path.join(dir, "users.acl");
  await writeSecretFile(aclFile, planUsers(options.settings.accessKeys, password));
  await writeSecretFile(configFile, planConfiguration(options, { data, aclFile, ...certificate }));
  const to = { port, user: prober, password, ca: authority.certificate };
  const server = await startServer({
    name: `cache ${name}`,
    command: program,
    args: [configFile],
    cwd: data,
    logFile: path.join(dir, "redis.log"),
    pidFile: pidFile(dir),
    ready: () => ping(to),
    deadlineMs: startDeadlineMs,
  });
  return {
    port,
    isRunning: () => server.isRunning(),
    ended: server.exited.then((how) => `${server.name} ${how}`),
    stop: () => server.stop(),
  };
}

/** Ends what a killed run left in the folder. */
export async function endLeftOverServer(dir: string): Promise<void> {
  await endLeftOver(pidFile(dir));
}

function pidFile(dir: string): string {
  return path.join(dir, "redis.pid");
}

interface Files {
  data: string;
  aclFile: string;
  certificateFile: string;
  keyFile: string;
}

function planConfiguration({ port, settings }: CacheServerOptions, files: Files): string {
  const lines: [name: string, ...values: (string | number)[]][] = [
    ["bind", "127.0.0.1"],
    // TLS only, as Azure's.
    ["port", 0],
    ["tls-port", port],
    ["tls-cert-file", quoted(files.certificateFile)],
    ["tls-key-file", quoted(files.keyFile)],
    ["tls-auth-clients", "no"],
    ["tls-protocols", quoted("TLSv1.2 TLSv1.3")],
    ["aclfile", quoted(files.aclFile)],
    ["dir", quoted(files.data)],
    // Kept over a restart of the local cloud, whether or not Azure was asked for persistence.
    ["appendonly", "yes"],
    ["appendfsync", "everysec"],
    ["save", quoted("")],
    ["maxmemory", `${Math.round(settings.maxMemoryGb * 1024)}mb`],
    ["maxmemory-policy", planPolicy(settings.evictionPolicy)],
    ["daemonize", "no"],
  ];
  return lines.map((line) => `${line.join(" ")}\n`).join("");
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, (one) => `\\${one}`)}"`;

/** `VolatileLRU` is `volatile-lru` to Redis, and `NoEviction` `noeviction`. */
export function planPolicy(evictionPolicy: string): string {
  return evictionPolicy.toLowerCase().replace(/^(allkeys|volatile)/, "$1-");
}

/**
 * Who may do what. Both access keys are passwords of the one user that clients do not name, and are kept as digests.
 * What Azure keeps to itself is refused (learn.microsoft.com, azure/redis/development-faq: administrative commands).
 */
function planUsers(accessKeys: readonly string[], proberPassword: string): string {
  const digest = (password: string) => `#${createHash("sha256").update(password).digest("hex")}`;
  const everybody = accessKeys.length > 0 ? `on ${accessKeys.map(digest).join(" ")}` : "off";
  return [
    `user default reset ${everybody} ~* &* +@all -@admin -migrate`,
    `user ${prober} reset on ${digest(proberPassword)} -@all +ping`,
    "",
  ].join("\n");
}
