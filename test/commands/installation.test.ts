import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Endpoints } from "../../commands/endpoints.ts";
import { isRunning, startProcess, temporaryFolder, until } from "./processes.ts";

const HOST = path.join(import.meta.dirname, "fakes", "host.ts");

function startHost(home: string, env: Record<string, string> = {}, ipc = false) {
  const journal = path.join(home, "journal");
  const host = startProcess(HOST, { env: { TIERLIFT_HOME: home, FAKE_JOURNAL: journal, ...env }, ipc });
  const events = () => {
    const lines = readFileSync(journal, "utf8").trim().split("\n");
    return lines.map((line) => line.replace(/ \d+ /, " "));
  };
  const pidOf = (name: string) =>
    Number(new RegExp(`${name} (\\d+) started`).exec(readFileSync(journal, "utf8"))![1]);
  const endpoints = () => JSON.parse(readFileSync(path.join(home, "endpoints.json"), "utf8")) as Endpoints;
  return { ...host, events, pidOf, endpoints };
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s ends the service first, then the local cloud",
  async (signal) => {
    const home = temporaryFolder();
    const host = startHost(home);
    await host.prints("start: ready");
    host.child.kill(signal);
    expect(await host.ended).toBe(0);
    expect(host.events().filter((line) => line.endsWith("stopped"))).toEqual([
      "service stopped",
      "cloud stopped",
    ]);
    expect(isRunning(host.pidOf("cloud"))).toBe(false);
    expect(isRunning(host.pidOf("service"))).toBe(false);
    expect(() => statSync(path.join(home, "endpoints.json"))).toThrow("ENOENT");
    expect(() => statSync(path.join(home, "lock"))).toThrow("ENOENT");
  },
);

test("the service is started with the local cloud's certificate authority", async () => {
  const home = temporaryFolder();
  const host = startHost(home);
  await host.prints("start: ready");
  expect(host.events()).toContain(`service trusts ${path.join(home, "cloud", "pki", "ca.pem")}`);
  host.child.kill("SIGTERM");
  await host.ended;
});

test("endpoints.json follows the local cloud and is its owner's only", async () => {
  const home = temporaryFolder();
  const host = startHost(home);
  await host.prints("start: ready");
  expect(host.endpoints()).toMatchObject({
    api: /listening on (\S+)/.exec(host.output().stderr)![1],
    arm: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/) as string,
    ca: path.join(home, "cloud", "pki", "ca.pem"),
    dns: { host: "127.0.0.1", port: 5353 },
    clusters: [],
    credentials: { clientId: "c", clientSecretRef: "ref", azureTenantId: "t", subscriptionId: "s2" },
  });
  expect(statSync(path.join(home, "endpoints.json")).mode & 0o777).toBe(0o600);
  process.kill(host.pidOf("cloud"), "SIGUSR2");
  await until(() => host.endpoints().clusters.length === 1);
  host.child.kill("SIGTERM");
  await host.ended;
});

test("a second start on the same home refuses and names the process that has it", async () => {
  const home = temporaryFolder();
  const first = startHost(home);
  await first.prints("start: ready");
  const second = startHost(home);
  expect(await second.ended).toBe(1);
  expect(second.output().stderr).toContain(`in use by process ${first.child.pid}`);
  expect(isRunning(first.pidOf("service"))).toBe(true);
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(0);
});

test("what a killed installation left ends by itself, and its home can be used again", async () => {
  const home = temporaryFolder();
  const first = startHost(home);
  await first.prints("start: ready");
  const left = [first.pidOf("cloud"), first.pidOf("service")];
  first.child.kill("SIGKILL");
  await until(() => !left.some(isRunning));
  const second = startHost(home);
  await second.prints("start: ready");
  second.child.kill("SIGTERM");
  expect(await second.ended).toBe(0);
});

test("a service that breaks at its start takes the local cloud with it, and its last words are shown", async () => {
  const host = startHost(temporaryFolder(), { FAKE_SERVICE: "breaks" });
  expect(await host.ended).toBe(1);
  expect(host.output().stderr).toContain("the service exited with code 4");
  expect(host.output().stderr).toContain("the service found no data");
  expect(host.events().at(-1)).toBe("cloud stopped");
});

test("a local cloud that breaks at its start ends the start without a service", async () => {
  const host = startHost(temporaryFolder(), { FAKE_CLOUD: "breaks" });
  expect(await host.ended).toBe(1);
  expect(host.output().stderr).toContain("the cloud found no parts");
  expect(host.events()).toEqual(["cloud started"]);
});

test("a service that dies later ends the installation with its reason", async () => {
  const host = startHost(temporaryFolder());
  await host.prints("start: ready");
  process.kill(host.pidOf("service"), "SIGKILL");
  expect(await host.ended).toBe(1);
  expect(host.output().stderr).toContain("the service was ended by SIGKILL");
  expect(host.events().at(-1)).toBe("cloud stopped");
});

test("an interruption during the start leaves nothing behind", async () => {
  const home = temporaryFolder();
  const host = startHost(home);
  await host.prints("local cloud ready");
  host.child.kill("SIGINT");
  expect(await host.ended).toBe(130);
  expect(isRunning(host.pidOf("cloud"))).toBe(false);
  expect(() => statSync(path.join(home, "lock"))).toThrow("ENOENT");
});

test("an installation ends with the command that started it, unless it is told to stay", async () => {
  const home = temporaryFolder();
  const left = startHost(home, {}, true);
  await left.prints("start: ready");
  left.child.disconnect();
  await left.ended;
  expect(isRunning(left.pidOf("cloud"))).toBe(false);

  const kept = startHost(temporaryFolder(), {}, true);
  await kept.prints("start: ready");
  await new Promise((resolve) => kept.child.send({ type: "keep" }, resolve));
  kept.child.disconnect();
  const answer = await fetch(kept.endpoints().api);
  expect(answer.ok).toBe(true);
  kept.child.kill("SIGTERM");
  expect(await kept.ended).toBe(0);
});
