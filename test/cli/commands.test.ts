import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../cli/text.ts";
import { claimPorts } from "../../local/ports.ts";
import { temporaryFolder } from "../commands/processes.ts";
import { mintToken } from "../support/api.ts";
import {
  activeTenant,
  ADMIN,
  arrival,
  CREDENTIALS,
  inVerification,
  underWay,
} from "../support/fake-world.ts";
import type { World } from "../support/fake-world.ts";
import { CREDENTIAL_FLAGS, ended, linesOf, startCli, startService } from "./support/service.ts";

const UPGRADE = ["upgrade", "acme", "--to", "PROFESSIONAL"];
const isWide = (line: string) => widthOf(line) > 80;
const jobOf = (world: World, tenantId: string) => world.tierlift.migrations.history(tenantId).at(-1)!;
/** Fails every create of a resource with this name until it is told otherwise. */
function failOn(world: World, name: string, problem = "no quota is left") {
  world.engine.onApply = (_stack, operation, resource) => {
    if (operation === "create" && resource.name === name) throw new Error(problem);
  };
}

describe("an upgrade", () => {
  it("goes to VERIFICATION in lines of 80 columns where there is no terminal", async () => {
    const { run, world } = await startService();
    await activeTenant(world);
    const { code, stdout, stderr } = await run([...UPGRADE, ...CREDENTIAL_FLAGS]);
    expect(code).toBe(0);
    expect(stdout).toContain("acme → PROFESSIONAL: VERIFICATION");
    expect(stdout).toContain("  tierlift complete acme\n");
    expect(stderr).toMatch(
      /^\[ 4\/12\] PROVISIONING_INFRASTRUCTURE {2}done in \d+\.\d s, 3 resources, \d+ %$/m,
    );
    expect(`${stdout}${stderr}`.split("\n").filter(isWide)).toEqual([]);
    expect(stderr).not.toContain("\u001b");
  });

  it("gives a script each event once, and the migration in the first and last line", async () => {
    const { run, world } = await startService();
    const { id } = await activeTenant(world);
    const file = path.join(temporaryFolder(), "credentials.json");
    writeFileSync(file, JSON.stringify({ api: "…", credentials: CREDENTIALS }));
    const { code, stdout } = await run([...UPGRADE, "--credentials-file", file, "--json"]);
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    const { id: jobId } = jobOf(world, id);
    const happened = (await world.tierlift.events.recent(id)).filter(
      ({ migrationId }) => migrationId === jobId,
    );
    // All but the first one, which came with the request itself.
    expect(lines.slice(1, -1)).toEqual(happened.slice(1));
    expect(
      lines.filter(({ type }) => type === "status").map(({ data }) => (data as { status: string }).status),
    ).toEqual(["PAYMENT_VALIDATED", "CREDENTIALS_SUBMITTED", "PROVISIONING", "VERIFICATION"]);
    expect(lines[0]).toMatchObject({ type: "job", job: { tenantId: id } });
    expect(lines.at(-1)).toMatchObject({
      type: "result",
      job: { status: "VERIFICATION", credentials: CREDENTIALS },
    });
  });

  it("between shared tiers asks for no credentials and ends COMPLETED", async () => {
    const { run, world } = await startService();
    await activeTenant(world, "FREE");
    const { code, stdout } = await run(["upgrade", "acme", "--to", "starter"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("acme → STARTER: COMPLETED")]);
  });

  it("without credentials where they are needed asks the service for nothing", async () => {
    const { run, world } = await startService();
    const { id } = await activeTenant(world);
    const { code, stderr } = await run(UPGRADE);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--credentials-file")]);
    expect(world.tierlift.migrations.history(id)).toEqual([]);
  });

  it("that fails says why and what can be done, and ends with 1", async () => {
    const { run, world } = await startService({ settings: { retryDelaysMs: [] } });
    await activeTenant(world);
    failOn(world, "infrastructure");
    const { code, stdout } = await run([...UPGRADE, ...CREDENTIAL_FLAGS]);
    expect(code).toBe(1);
    expect(stdout).toContain("FAILED at PROVISIONING_INFRASTRUCTURE");
    expect(stdout).toContain("no quota is left");
    expect(stdout).toContain("tierlift retry acme");
  });

  it("that is interrupted leaves the migration running and says how to go on", async () => {
    const { start, run, world } = await startService();
    const { id } = await activeTenant(world);
    let goOn = () => undefined as void;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    world.engine.onApply = () => held;
    const upgrade = start([...UPGRADE, ...CREDENTIAL_FLAGS]);
    await upgrade.prints("PROVISIONING_INFRASTRUCTURE  started");
    upgrade.child.kill("SIGINT");
    const { code, stderr } = await ended(upgrade);
    expect([code, stderr]).toEqual([130, expect.stringContaining("tierlift watch acme")]);
    expect(jobOf(world, id).status).toBe("PROVISIONING");

    const again = start(UPGRADE);
    await again.prints("is on its way already");
    goOn();
    expect((await ended(again)).code).toBe(0);
    expect(world.tierlift.migrations.history(id)).toHaveLength(1);
    const { code: seen, stdout } = await run(["watch", "acme", "--until", "VERIFICATION", "--json"]);
    expect([seen, linesOf(stdout).at(-1)]).toEqual([0, expect.objectContaining({ type: "result" })]);
  });

  it("that takes longer than --timeout ends with 4", async () => {
    const { run, world } = await startService();
    await activeTenant(world);
    world.engine.onApply = () => new Promise(() => undefined);
    const { code, stderr } = await run([...UPGRADE, ...CREDENTIAL_FLAGS, "--timeout", "2"]);
    expect([code, stderr]).toEqual([4, expect.stringContaining("not done within 2 s (--timeout)")]);
  });

  it("of a tenant's own administrator waits for the payment", async () => {
    const { start, world } = await startService();
    const { id } = await activeTenant(world);
    const token = await mintToken(["TENANT_ADMIN"], id);
    const upgrade = start([...UPGRADE, ...CREDENTIAL_FLAGS], { TIERLIFT_TOKEN: token });
    await upgrade.prints("tierlift validate-payment acme");
    await world.tierlift.migrations.validatePayment(jobOf(world, id).id, ADMIN);
    expect((await ended(upgrade)).code).toBe(0);
  });

  it("that needs a review waits for what was shown to be approved", async () => {
    const { start, run, world } = await startService({ settings: { reviewRequired: true } });
    await activeTenant(world);
    const upgrade = start([...UPGRADE, ...CREDENTIAL_FLAGS]);
    await upgrade.prints("tierlift approve acme");
    const other = await run(["approve", "acme", "--yes", "--digest", "another", "--json"]);
    expect([other.code, JSON.parse(other.stdout)]).toMatchObject([3, { error: { code: "APPROVED_OTHER" } }]);
    const approved = await run(["approve", "acme", "--yes"]);
    expect(approved.code).toBe(0);
    expect((await ended(upgrade)).code).toBe(0);
  });
});

describe("a decision", () => {
  it("to complete ends with the migration as one document", async () => {
    const { run, world } = await startService();
    await inVerification(world);
    const { code, stdout, stderr } = await run(["complete", "acme", "--yes", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { status: "COMPLETED" }]);
    expect(stderr).toContain("CUTTING_OVER");
  });

  it("to roll back ends with 0, and a watcher of it with 1", async () => {
    const { run, start, world } = await startService();
    await inVerification(world);
    const watching = start(["watch", "acme", "--json"]);
    // Whether the watcher comes before the rollback or after it, its last line is the same.
    const rollback = await run(["rollback", "acme", "--yes", "--reason", "too slow"]);
    expect([rollback.code, rollback.stdout]).toEqual([0, expect.stringContaining("Reason given: too slow")]);
    const { code, stdout } = await ended(watching);
    expect([code, linesOf(stdout).at(-1)]).toMatchObject([1, { job: { status: "ROLLED_BACK" } }]);
  });

  it("to cancel destroys what was made", async () => {
    const { run, world } = await startService();
    const { id } = await activeTenant(world);
    world.engine.onApply = (_stack, operation, _resource, signal) =>
      operation === "delete"
        ? undefined
        : new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
    await underWay(world, id);
    const { code, stdout } = await run(["cancel", "acme", "--reason", "budget", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { status: "CANCELLED", reason: "budget" }]);
  });

  it("to retry goes on with what failed", async () => {
    const { run, world } = await startService({ settings: { retryDelaysMs: [] } });
    const { id } = await activeTenant(world);
    failOn(world, "infrastructure");
    await arrival(world, await underWay(world, id), "FAILED");
    world.engine.onApply = () => undefined;
    const { code, stdout } = await run(["retry", "acme"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("VERIFICATION")]);
  });

  it.each([
    [["complete", "acme"]],
    [["rollback", "acme", "--reason", "slow"]],
    [["tenants", "delete", "acme"]],
  ])("by %j without a terminal changes nothing and names --yes", async (args) => {
    const { run, world } = await startService();
    const { jobId } = await inVerification(world);
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining("give --yes")]);
    expect(world.tierlift.migrations.get(jobId).status).toBe("VERIFICATION");
  });

  it("that the service refuses ends with 3, its code and its sentence", async () => {
    const { run, world } = await startService();
    await activeTenant(world);
    const none = await run(["retry", "acme"]);
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining("never had a migration")]);
    await inVerificationOf(world, "globex");
    const { code, stderr, stdout } = await run(["cancel", "globex", "--reason", "late", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      3,
      { error: { exitCode: 3, code: "ILLEGAL_TRANSITION", status: 409 } },
    ]);
    expect(stderr).toContain("ILLEGAL_TRANSITION (409)");
  });
});

async function inVerificationOf(world: World, slug: string): Promise<void> {
  const { id } = await activeTenant(world, "STARTER", slug);
  await arrival(world, await underWay(world, id), "VERIFICATION");
}

describe("tenants", () => {
  it("are made, listed, shown and deleted", async () => {
    const { run } = await startService();
    const words = ["tenants", "create", "initech", "--email", "ops@initech.test", "--wait", "--json"];
    const created = await run(words);
    expect([created.code, JSON.parse(created.stdout)]).toMatchObject([
      0,
      { slug: "initech", status: "ACTIVE" },
    ]);
    const list = await run(["tenants"]);
    expect(list.stdout).toBe("SLUG     TIER  STATUS  REGION\ninitech  FREE  ACTIVE  westeurope\n");
    const { id } = JSON.parse(created.stdout) as { id: string };
    expect((await run(["tenants", "get", id])).stdout).toContain(`id             ${id}\n`);
    const deleted = await run(["tenants", "delete", "initech", "--yes", "--wait", "--json"]);
    expect([deleted.code, JSON.parse(deleted.stdout)]).toMatchObject([0, { status: "DELETED" }]);
    const gone = await run(["tenants", "get", "initech"]);
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining("There is no tenant initech")]);
  });

  it("are found by slug with their own administrator's token, and no others are", async () => {
    const { run, world } = await startService();
    const { id } = await activeTenant(world);
    await activeTenant(world, "STARTER", "globex");
    const env = { TIERLIFT_TOKEN: await mintToken(["TENANT_ADMIN"], id) };
    expect((await run(["tenants", "get", "acme"], env)).code).toBe(0);
    const other = await run(["tenants", "get", "globex"], env);
    expect([other.code, other.stderr]).toEqual([3, expect.stringContaining("FORBIDDEN (403)")]);
  });
});

describe("what can be read", () => {
  it("is a document with --json, and text of 80 columns without", async () => {
    const { run, world } = await startService();
    const { jobId } = await inVerification(world);
    for (const [words, member] of [
      [["status", "acme"], "provisioning"],
      [["preview", "acme"], "digest"],
      [["preview", "acme", "--phase", "MIGRATING_DATA"], "digest"],
      [["report", "acme"], "passed"],
      [["history", "acme"], "0"],
      [["audit", "acme", "--job", jobId], "0"],
    ] as const) {
      const [document, text] = await Promise.all([run([...words, "--json"]), run([...words])]);
      expect([words, document.code, text.code]).toEqual([words, 0, 0]);
      expect(JSON.parse(document.stdout)).toHaveProperty([member]);
      expect(text.stdout.split("\n").filter(isWide)).toEqual([]);
      expect(text.stdout.length).toBeGreaterThan(20);
    }
    expect((await run(["preview", "acme", "--markdown"])).stdout).toMatch(/^# Stack `acme`/);
  }, 60_000);
});

describe("without a service or a token", () => {
  it.each([
    ["a token that is not said", { TIERLIFT_API: "http://127.0.0.1:9" }, 2, "npm run token"],
    ["a service that is not said", { TIERLIFT_TOKEN: "t" }, 2, "npm start"],
    [
      "an address in clear over a network",
      { TIERLIFT_API: "http://tierlift.example", TIERLIFT_TOKEN: "t" },
      2,
      "https://",
    ],
    [
      "an address with a password",
      { TIERLIFT_API: "https://a:b@tierlift.example", TIERLIFT_TOKEN: "t" },
      2,
      "https://",
    ],
    [
      "a token of two lines",
      { TIERLIFT_API: "http://127.0.0.1:9", TIERLIFT_TOKEN: "precious\nx" },
      2,
      "one line",
    ],
  ])("%s is told", async (_what, env, exitCode, sentence) => {
    const { code, stdout, stderr } = await ended(startCli(["tenants"], env));
    expect([code, stdout]).toEqual([exitCode, ""]);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain("precious");
  });

  it("a service that is not there is told", async () => {
    const [port] = await claimPorts(1);
    const env = { TIERLIFT_API: `http://127.0.0.1:${port}`, TIERLIFT_TOKEN: "t" };
    const { code, stderr } = await ended(startCli(["tenants"], env));
    expect([code, stderr]).toEqual([4, expect.stringContaining("ECONNREFUSED")]);
  });

  it("the service is found in TIERLIFT_HOME, and the token in a file", async () => {
    const { url } = await startService();
    const home = temporaryFolder();
    writeFileSync(path.join(home, "endpoints.json"), JSON.stringify({ api: url }));
    writeFileSync(path.join(home, "token"), `${await mintToken(["PLATFORM_ADMIN"])}\n`);
    const found = await ended(
      startCli(["tenants", "--json", "--token-file", path.join(home, "token")], { TIERLIFT_HOME: home }),
    );
    expect([found.code, JSON.parse(found.stdout)]).toEqual([0, { tenants: [], total: 0 }]);
  });

  it("a token that the service does not take is refused with 3", async () => {
    const { run } = await startService();
    const { code, stderr } = await run(["tenants"], { TIERLIFT_TOKEN: "not.a.token" });
    expect([code, stderr]).toEqual([3, expect.stringContaining("UNAUTHENTICATED (401)")]);
  });
});
