import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { SetupError } from "../../setup/errors.ts";
import { ensureKafka } from "../../setup/kafka.ts";
import { temporaryFolder } from "../commands/processes.ts";

const log = () => undefined;
const JAVA = `echo 'openjdk version "21.0.2" 2024-01-16' >&2`;
const MAVEN = 'test -f pom.xml && echo "$@" > arguments && mkdir libs && touch libs/kafka_2.13-4.3.1.jar';

afterEach(() => vi.unstubAllEnvs());

/** A PATH with these programs, each a line for the shell, and with nothing else but the shell's own. */
function onlyOnPath(programs: Record<string, string>): string {
  const bin = temporaryFolder();
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  const tools = path.join(bin, "tools");
  mkdirSync(tools);
  for (const tool of ["mkdir", "touch"]) symlinkSync(`/bin/${tool}`, path.join(tools, tool));
  vi.stubEnv("PATH", `${bin}:${tools}`);
  return bin;
}

test("Kafka's jars are copied once, as the pom says, and need no Maven afterwards", async () => {
  const cache = temporaryFolder();
  onlyOnPath({ java: JAVA, mvn: MAVEN });
  const first = await ensureKafka({ cache, log });
  const [folder] = readdirSync(cache);
  expect(first).toMatchObject({ version: "4.3.1", libs: path.join(cache, folder!, "libs") });
  const bin = onlyOnPath({ java: JAVA });
  expect(await ensureKafka({ cache, log })).toEqual({ ...first, java: path.join(bin, "java") });
});

test.each([
  ["no Java", { mvn: MAVEN }, /^Kafka 4\.3\.1 is left out: there is no Java: install .*17/],
  ["an old Java", { java: `echo 'version "11.0.22"' >&2`, mvn: MAVEN }, /is Java 11\.0\.22: install/],
  ["a Java that does not run", { java: "exit 1", mvn: MAVEN }, /java does not run: install/],
  ["no Maven", { java: JAVA }, /^Kafka 4\.3\.1 is left out: there is no Maven: install/],
])("with %s Kafka is left out, and why is said", async (_, programs, reason) => {
  const cache = temporaryFolder();
  onlyOnPath(programs);
  expect(await ensureKafka({ cache, log })).toEqual({ absent: expect.stringMatching(reason) as string });
  expect(readdirSync(cache)).toEqual([]);
});

test("a repository that does not answer is a set-up error with Maven's words, and nothing half made stays", async () => {
  const cache = temporaryFolder();
  onlyOnPath({ java: JAVA, mvn: "mkdir libs; echo '[ERROR] Connection refused' >&2; exit 1" });
  const failure = ensureKafka({ cache, log });
  await expect(failure).rejects.toThrow(SetupError);
  await expect(failure).rejects.toThrow(/jars could not be copied.*\n.*refused\n.*Maven's repository/);
  expect(readdirSync(cache)).toEqual([]);
});
