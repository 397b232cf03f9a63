import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ensureRedisServer } from "../../setup/redis-server.ts";
import { temporaryFolder } from "../commands/processes.ts";

const log = () => undefined;
const isDebian = existsSync("/etc/debian_version");
if (!isDebian) console.warn("skipped: the packages' tests, which want a system of Debian's kind");

afterEach(() => vi.unstubAllEnvs());

/** A PATH with these programs and the shell's own tools, but none of the machine's. */
function onlyOnPath(programs: Record<string, string>): string {
  const bin = temporaryFolder();
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  vi.stubEnv("PATH", bin);
  return bin;
}

const redis = (version: string, more = "echo 'Configured to not listen anywhere, exiting.'; exit 1") =>
  `[ "$1" = --version ] && echo "Redis server v=${version} sha=0" || { ${more}; }`;

test("a server on PATH is used, and nothing is fetched", async () => {
  const cache = temporaryFolder();
  const bin = onlyOnPath({ "redis-server": redis("7.4.1"), "apt-get": "exit 1" });
  const found = await ensureRedisServer({ cache, log });
  expect(found).toEqual({ program: path.join(bin, "redis-server"), version: "7.4.1" });
  expect(readdirSync(cache)).toEqual([]);
});

test.each([
  ["is too old", redis("5.0.14"), /redis-server is Redis 5\.0\.14; install redis-server 6/],
  ["knows no TLS", redis("7.4.1", "echo 'Bad directive'; exit 1"), /was built without TLS; install/],
  ["says no version", "exit 1", /does not say its version; install/],
])("a server on PATH that %s is left out with the reason", async (_, line, reason) => {
  onlyOnPath({ "redis-server": line });
  const found = await ensureRedisServer({ cache: temporaryFolder(), log });
  expect(found).toEqual({ absent: expect.stringMatching(reason) as string });
});

describe.skipIf(!isDebian)("Debian's packages", () => {
  /** Notes its arguments and leaves packages where it is told to. */
  const apt = (notes: string) =>
    [
      `echo "$@" >> ${notes}`,
      'for one in "$@"; do case $one in Dir::Cache::archives=*) archives=${one#*=};; esac; done',
      'case "$*" in *install*) : > "$archives/redis.deb"; : > "$archives/partial/half.deb";; esac',
    ].join("\n");
  const dpkg = [
    '/bin/mkdir -p "$3/usr/bin" "$3/usr/lib/any-linux-gnu"',
    `/bin/cat > "$3/usr/bin/redis-server" <<'END'\n#!/bin/sh\n${redis("7.0.15", 'echo "not listen anywhere $LD_LIBRARY_PATH"')}\nEND`,
    '/bin/chmod +x "$3/usr/bin/redis-server"',
  ].join("\n");

  /** The starter wants two tools of the system's. */
  const withTools = (programs: Record<string, string>) =>
    onlyOnPath({ dirname: 'exec /usr/bin/dirname "$@"', ...programs });

  test("are unpacked into the cache once, and installed nowhere", async () => {
    const cache = temporaryFolder();
    const notes = path.join(temporaryFolder(), "notes");
    withTools({ "apt-get": apt(notes), "dpkg-deb": dpkg });
    const found = await ensureRedisServer({ cache, log });
    const [folder = ""] = readdirSync(cache);
    expect(found).toEqual({ program: path.join(cache, folder, "redis-server"), version: "7.0.15" });
    expect(readdirSync(path.join(cache, folder)).sort()).toEqual(["redis-server", "root"]);
    const [update, install] = readFileSync(notes, "utf8").trim().split("\n");
    expect(update).toMatch(/Dir::State::lists=.*Debug::NoLocking=1.* update$/);
    expect(install).toMatch(/--download-only .* install redis-server$/);
    withTools({ "apt-get": "exit 1", "dpkg-deb": "exit 1" });
    expect(await ensureRedisServer({ cache, log })).toEqual(found);
  });

  test("that cannot be had leave the store out, with apt's words, and nothing half made stays", async () => {
    const cache = temporaryFolder();
    withTools({ "apt-get": "echo 'E: no network' >&2; exit 100", "dpkg-deb": dpkg });
    const found = await ensureRedisServer({ cache, log });
    expect(found).toEqual({
      absent: expect.stringMatching(
        /left out: .*apt-get .*exited with 100 \(E: no network\); install/,
      ) as string,
    });
    expect(readdirSync(cache)).toEqual([]);
  });

  test("are not looked for without Debian's programs", async () => {
    const empty = path.join(temporaryFolder(), "bin");
    mkdirSync(empty);
    vi.stubEnv("PATH", empty);
    const found = await ensureRedisServer({ cache: temporaryFolder(), log });
    expect(found).toEqual({ absent: expect.stringMatching(/no redis-server is on PATH/) as string });
  });
});
