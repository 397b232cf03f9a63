import { mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ensureHome, ensureJwtSecret, ensurePassphrase, lockHome } from "../../commands/home.ts";
import { temporaryFolder } from "./processes.ts";

const modeOf = (file: string) => statSync(file).mode & 0o777;

test("folders are their owner's; only the way to PostgreSQL's data may be passed, and only when root runs it", async () => {
  const home = await ensureHome(path.join(temporaryFolder(), "new", "home"));
  for (const folder of [
    home.data,
    home.secrets,
    home.logs,
    home.pulumi.home,
    home.pulumi.backend,
    home.pulumi.work,
  ])
    expect(modeOf(folder)).toBe(0o700);
  for (const folder of [home.root, home.cloud])
    expect(modeOf(folder)).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
});

test("the engine finds no place for debug logs, also where it had one before", async () => {
  const root = temporaryFolder();
  const { pulumi } = await ensureHome(root);
  expect(statSync(path.join(pulumi.home, "logs")).isFile()).toBe(true);
  await ensureHome(root);
  const before = temporaryFolder();
  mkdirSync(path.join(before, "pulumi", "home", "logs"), { recursive: true });
  await expect(ensureHome(before)).resolves.toBeDefined();
});

test("a folder that was there keeps its rights", async () => {
  const root = path.join(temporaryFolder(), "home");
  mkdirSync(root, { mode: 0o750 });
  await ensureHome(root);
  expect(modeOf(root)).toBe(0o750);
});

test.each([
  ["the token secret", ensureJwtSecret, "jwt-secret"],
  ["the passphrase", ensurePassphrase, "pulumi/passphrase"],
])("%s is made once, also when asked for many times at once", async (_what, ensure, file) => {
  const home = await ensureHome(temporaryFolder());
  const secrets = await Promise.all(Array.from({ length: 20 }, () => ensure(home)));
  expect(new Set(secrets).size).toBe(1);
  expect(secrets[0]).toMatch(/^[\w-]{43}$/);
  expect(modeOf(path.join(home.root, file))).toBe(0o600);
});

test("a secret that was put there is taken as it is, without its line end", async () => {
  const home = await ensureHome(temporaryFolder());
  writeFileSync(home.jwtSecretFile, "given\n");
  expect(await ensureJwtSecret(home)).toBe("given");
});

test("a home in use is refused with the holder's pid and the way to end it", async () => {
  const home = await ensureHome(temporaryFolder());
  const lock = lockHome(home);
  expect(() => lockHome(home)).toThrow(
    new RegExp(`${home.root} is in use by process ${process.pid}.*npm stop`),
  );
  lock.release();
  lockHome(home).release();
});
