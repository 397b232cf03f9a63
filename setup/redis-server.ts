import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ensureCached } from "./cache.ts";
import { CommandFailure, runCommand } from "./command.ts";
import { SetupError } from "./errors.ts";
import { findOnPath } from "./on-path.ts";
import type { Absent, SetupContext } from "./parts.ts";
import { step } from "./progress.ts";

/** Redis, the server behind the local cloud's caches. */
export interface RedisServer {
  program: string;
  version: string;
}

/** The first with access lists and TLS. */
const OLDEST = 6;
const PROGRAM = "redis-server";
const GET_REDIS = "install redis-server 6 or newer, built with TLS, and put it on PATH";
const ASK_WITHIN_MS = 10_000;
const FETCH_WITHIN_MS = 120_000;

/**
 * Finds the server on PATH, else brings Debian's packages into the cache, where they are unpacked and not installed: no
 * service starts, nothing of the system changes, and no root is needed. The store is optional: where neither can be had
 * the answer says why, and what to do.
 */
export async function ensureRedisServer(context: SetupContext): Promise<RedisServer | Absent> {
  const present = await findOnPath(PROGRAM, ["/usr/local/bin", "/opt/homebrew/bin"]);
  const known = present && (await describe(present, context));
  if (known && "version" in known) return known;
  const brought = await bringPackages(context);
  if ("program" in brought) return brought;
  return { absent: `the Redis server is left out: ${known ? known.unfit : brought.missing}; ${GET_REDIS}.` };
}

/** The program with its version, or why it will not do. */
async function describe(program: string, context: SetupContext): Promise<RedisServer | { unfit: string }> {
  const version = /v=(\d+\.\d+\.\d+)/.exec(await ask(program, ["--version"], context))?.[1];
  if (version === undefined) return { unfit: `${program} does not say its version` };
  if (Number.parseInt(version) < OLDEST) return { unfit: `${program} is Redis ${version}` };
  // One without TLS does not know the second option; one with it ends because it may listen nowhere.
  const said = await ask(program, ["--port", "0", "--tls-port", "0"], context);
  if (!/not listen anywhere/.test(said)) return { unfit: `${program} was built without TLS` };
  return { program, version };
}

/** All that it says, however it ends. */
async function ask(program: string, args: string[], { signal }: SetupContext): Promise<string> {
  // Its words go to standard output also when it fails, which a failure does not keep.
  const line = 'out=$("$0" "$@" 2>&1); printf %s "$out"';
  const options = { timeoutMs: ASK_WITHIN_MS, ...(signal && { signal }) };
  try {
    return (await runCommand("/bin/sh", ["-c", line, program, ...args], options)).stdout;
  } catch (error) {
    if (error instanceof CommandFailure && !signal?.aborted) return error.stderr;
    throw error;
  }
}

async function bringPackages(context: SetupContext): Promise<RedisServer | { missing: string }> {
  const system = await debianRelease();
  const tools = { apt: await findOnPath("apt-get"), dpkg: await findOnPath("dpkg-deb") };
  const { apt, dpkg } = tools;
  if (!system || !apt || !dpkg)
    return { missing: `no ${PROGRAM} is on PATH, and this system has no packages of Debian's` };
  const name = `redis-${createHash("sha256").update(`${system} ${process.arch}`).digest("hex").slice(0, 12)}`;
  try {
    const folder = await ensureCached({
      ...context,
      name,
      probe: PROGRAM,
      make: (draft) =>
        step(
          "fetching Debian's redis-server (about 10 s)",
          () => unpack(draft, { apt, dpkg }, context),
          context,
        ),
    });
    const found = await describe(path.join(folder, PROGRAM), context);
    return "version" in found ? found : { missing: found.unfit };
  } catch (error) {
    if (!(error instanceof SetupError) || context.signal?.aborted) throw error;
    return { missing: error.message };
  }
}

/** `debian 12` and the like; empty where it is no Debian or one of its kind. */
async function debianRelease(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const of = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return /\bdebian\b/.test(`${of("ID")} ${of("ID_LIKE")}`) ? `${of("ID")} ${of("VERSION_ID")}` : "";
}

/** The server, and of what it needs only what this system lacks. */
async function unpack(
  folder: string,
  { apt, dpkg }: { apt: string; dpkg: string },
  { signal }: SetupContext,
): Promise<void> {
  const [lists, archives] = [path.join(folder, "lists"), path.join(folder, "packages")];
  for (const made of [lists, archives]) await mkdir(path.join(made, "partial"), { recursive: true });
  const run = async (command: string, args: string[]) => {
    try {
      await runCommand(command, args, { timeoutMs: FETCH_WITHIN_MS, ...(signal && { signal }) });
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      const said = error.stderr.trim().split("\n").slice(-3).join("; ");
      throw new SetupError(`${error.message}${said && ` (${said})`}`, { cause: error });
    }
  };
  // With lists and packages of its own, apt writes nowhere else, and locks nothing that is the system's.
  const settings = [
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${folder}`,
    `Dir::Cache::archives=${archives}`,
    "Debug::NoLocking=1",
    "APT::Sandbox::User=root",
    "Acquire::http::Timeout=10",
    "Acquire::Retries=1",
  ].flatMap((setting) => ["-o", setting]);
  await run(apt, ["-qq", ...settings, "update"]);
  await run(apt, [
    ...["-qq", "-y", "--no-install-recommends", "--download-only", ...settings],
    ...["install", PROGRAM],
  ]);
  const root = path.join(folder, "root");
  for (const file of (await readdir(archives)).filter((one) => one.endsWith(".deb")))
    await run(dpkg, ["-x", path.join(archives, file), root]);
  await writeFile(path.join(folder, PROGRAM), STARTER, { mode: 0o755 });
  for (const name of await readdir(folder))
    if (![PROGRAM, "root"].includes(name))
      await rm(path.join(folder, name), { recursive: true, force: true });
}

/** Finds its libraries beside itself, wherever the cache is, and becomes the server. */
const STARTER = `#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
for libraries in "$here"/root/usr/lib/*-linux-gnu* "$here"/root/lib/*-linux-gnu*; do
  LD_LIBRARY_PATH=$libraries\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH
exec "$here/root/usr/bin/${PROGRAM}" "$@"
`;
