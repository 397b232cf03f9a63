import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCommandProvider } from "../../../../local/providers/command/command.ts";
import type { CallContext } from "../../../../local/providers/protocol/provider.ts";
import { Secret, Unknown, type PropertyMap } from "../../../../local/providers/protocol/values.ts";

const provider = createCommandProvider();
const resource = {
  urn: "urn:pulumi:s::p::command:local:Command::run",
  name: "run",
  type: "command:local:Command",
};

let dir: string;
let lines: string[];
let cancel: AbortController;
let context: CallContext;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "tierlift-command-")));
  lines = [];
  cancel = new AbortController();
  context = {
    signal: cancel.signal,
    cancelled: cancel.signal,
    log: (_severity, message) => lines.push(message),
    status: () => undefined,
  };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function create(properties: PropertyMap) {
  return provider.create({ ...resource, properties, timeoutSeconds: 0, preview: false }, context);
}

function update(olds: PropertyMap, news: PropertyMap) {
  const request = { ...resource, id: "run1", olds, oldInputs: {}, news, timeoutSeconds: 0 };
  return provider.update!({ ...request, ignoreChanges: [], preview: false }, context);
}

describe("a local command", () => {
  it("gets its input, environment and folder, and answers both streams without their last line break", async () => {
    const { id, properties } = await create({
      create: "cat; echo $LEVEL; pwd; echo problem >&2",
      stdin: new Secret("in\n"),
      environment: { LEVEL: new Secret("info") },
      dir,
    });
    expect(id).toMatch(/^run[0-9a-f]{8}$/);
    expect(properties).toMatchObject({ stdout: `in\ninfo\n${dir}`, stderr: "problem" });
  });

  it("keeps the inputs that are secret secret in its state", async () => {
    const { properties } = await create({
      create: "true",
      stdin: new Secret("s"),
      environment: { A: new Secret("e") },
    });
    expect(properties["stdin"]).toEqual(new Secret("s"));
    expect(properties["environment"]).toEqual({ A: new Secret("e") });
  });

  it("keeps its input out of the arguments", async () => {
    const { properties } = await create({
      create: "tr '\\0' ' ' < /proc/$$/cmdline",
      stdin: new Secret("confidential"),
    });
    expect(properties["stdout"]).not.toContain("confidential");
  });

  it("is run by the interpreter it names", async () => {
    const { properties } = await create({
      create: "console.log(6 * 7)",
      interpreter: [process.execPath, "-e"],
    });
    expect(properties["stdout"]).toBe("42");
  });

  it("fails with its exit code and what it printed", async () => {
    await expect(create({ create: "echo partial; exit 3" })).rejects.toThrow(
      'exit status 3: running "echo partial; exit 3":\npartial\n',
    );
  });

  it("does not show a secret command in its failure", async () => {
    const failure = await create({ create: new Secret("confidential=1; exit 1") }).catch(String);
    expect(failure).toMatch(/exit status 1: running "\[secret\]"/);
    expect(failure).not.toContain("confidential");
  });

  it("ends when its time is over, and says so", async () => {
    context = { ...context, signal: AbortSignal.timeout(100) };
    await expect(create({ create: "sleep 600" })).rejects.toThrow(/^timed out: running/);
  });

  it("fails with a reason when it cannot be started", async () => {
    await expect(create({ create: "true", interpreter: ["/no/such/program"] })).rejects.toThrow(/ENOENT/);
  });

  it("does nothing in a preview, and says that its output is not known", async () => {
    const { properties } = await provider.create(
      { ...resource, properties: { create: `touch ${dir}/made` }, timeoutSeconds: 0, preview: true },
      context,
    );
    expect(existsSync(join(dir, "made"))).toBe(false);
    expect(properties["stdout"]).toBeInstanceOf(Unknown);
  });

  it.each([
    ["both streams", undefined, ["out", "err"]],
    ["both streams", "stdoutAndStderr", ["out", "err"]],
    ["standard output", "stdout", ["out"]],
    ["standard error", "stderr", ["err"]],
    ["nothing", "none", []],
  ])("logs %s with logging %s", async (_what, logging, expected) => {
    await create({ create: "echo out; echo err >&2", ...(logging && { logging }) });
    expect(lines.sort()).toEqual([...expected].sort());
  });

  it("logs each line while it runs", async () => {
    const first = new Promise<void>((resolve) => {
      context = { ...context, log: (_severity, message) => void (message === "first" && resolve()) };
    });
    const running = create({ create: `echo first; while [ ! -e ${dir}/go ]; do sleep 0.05; done` });
    await first;
    writeFileSync(join(dir, "go"), "");
    await running;
  });

  it("is run again by an update, with what it printed before", async () => {
    const { properties } = await update(
      { stdout: "before", stderr: "warned" },
      { create: 'echo "$PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"' },
    );
    expect(properties["stdout"]).toBe("before warned");
  });

  it("is updated by its update command, without the former output if it wants none", async () => {
    const { properties } = await update(
      { stdout: "before", stderr: "" },
      { create: "exit 1", update: "echo [$PULUMI_COMMAND_STDOUT]", addPreviousOutputInEnv: false },
    );
    expect(properties["stdout"]).toBe("[]");
  });

  it("keeps its output when an update has nothing to run", async () => {
    const { properties } = await update({ stdout: "before", stderr: "warned" }, { delete: "true" });
    expect(properties).toEqual({ delete: "true", stdout: "before", stderr: "warned" });
  });

  it("runs its delete command with what it printed before", async () => {
    const file = join(dir, "removed");
    const properties = { delete: `echo "$PULUMI_COMMAND_STDOUT" > ${file}`, stdout: "made", stderr: "" };
    await provider.delete!(
      { ...resource, id: "run1", properties, oldInputs: {}, timeoutSeconds: 0 },
      context,
    );
    expect(readFileSync(file, "utf8")).toBe("made\n");
  });

  it("ends with all its children when it is cancelled", async () => {
    const started = new Promise<number>((resolve) => {
      context = { ...context, log: (_severity, message) => resolve(Number(message)) };
    });
    const running = create({ create: "sleep 600 & echo $!; wait" });
    const failed = expect(running).rejects.toThrow(/^cancelled: running/);
    const child = await started;
    cancel.abort();
    await failed;
    await expect.poll(() => existsSync(`/proc/${child}/cwd`), { timeout: 5_000 }).toBe(false);
  });

  it.each([
    ["an unknown input", { creat: "true" }, "creat"],
    ["a wrong type", { create: ["true"] }, "create"],
    ["a wrong logging mode", { create: "true", logging: "all" }, "logging"],
  ])("is refused with %s", async (_what, news, property) => {
    const { failures } = await provider.check(
      { ...resource, olds: {}, news, randomSeed: new Uint8Array() },
      context,
    );
    expect(failures?.map((failure) => failure.property)).toEqual([property]);
  });

  it("differs by property path, also where the difference is in a secret or not known yet", async () => {
    const { changes, detailedDiff, diffs } = await provider.diff(
      {
        ...resource,
        id: "run1",
        olds: {},
        oldInputs: {
          create: "a",
          environment: { "A.B": "1", C: "2" },
          triggers: ["x", "y"],
          stdin: new Secret("1"),
        },
        news: {
          create: new Unknown(),
          environment: { "A.B": "2" },
          triggers: ["x", "z", 1],
          stdin: "2",
          dir: "/",
        },
        ignoreChanges: ["dir"],
      },
      context,
    );
    expect(changes).toBe("some");
    expect(diffs).toEqual(["create", "environment", "triggers", "stdin"]);
    expect(detailedDiff).toEqual({
      create: { kind: "update" },
      'environment["A.B"]': { kind: "update" },
      "environment.C": { kind: "delete" },
      "triggers[1]": { kind: "update" },
      "triggers[2]": { kind: "add" },
      stdin: { kind: "update" },
    });
  });
});
