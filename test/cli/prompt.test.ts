import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { Io } from "../../cli/io.ts";
import { confirm } from "../../cli/prompt.ts";

/** A terminal on which somebody types. */
function terminal(isTTY = true) {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const io: Io = {
    stdin: Object.assign(streams.stdin, { isTTY }),
    stdout: streams.stdout,
    stderr: Object.assign(streams.stderr, { isTTY, columns: 80 }),
    env: {},
    now: () => new Date(0),
  };
  let shown = "";
  streams.stderr.setEncoding("utf8").on("data", (text: string) => (shown += text));
  return { io, type: (text: string) => streams.stdin.write(text), shown: () => shown };
}

const ask = (io: Io, answer: string, signal = new AbortController().signal) =>
  confirm(io, { text: ["Everything of acme is destroyed."], answer, signal });

test.each([
  ["acme", "acme\n"],
  ["y", "y\n"],
  ["y", "Yes\n"],
])("a question for %s goes on after %j", async (answer, typed) => {
  const { io, type, shown } = terminal();
  const asked = ask(io, answer);
  type(typed);
  await expect(asked).resolves.toBeUndefined();
  expect(shown()).toContain("Everything of acme is destroyed.\n");
});

test.each([
  ["acme", "y\n", 1],
  ["acme", "globex\n", 1],
  ["y", "\n", 1],
  ["y", "no\n", 1],
  ["acme", "\u0003", 130],
  ["acme", "\u0004", 1],
])("a question for %s that is answered %j does nothing and ends with %i", async (answer, typed, exitCode) => {
  const { io, type } = terminal();
  const asked = ask(io, answer);
  type(typed);
  await expect(asked).rejects.toMatchObject({ message: "Nothing was done.", exitCode });
});

test("without a terminal it is not asked, and --yes is named", async () => {
  await expect(ask(terminal(false).io, "y")).rejects.toMatchObject({
    message: expect.stringContaining("--yes") as string,
    exitCode: 2,
  });
});

test("an abort ends the question with its reason", async () => {
  const abort = new AbortController();
  const asked = ask(terminal().io, "y", abort.signal);
  abort.abort(new Error("interrupted"));
  await expect(asked).rejects.toThrow("interrupted");
});
