/**
 * `npm run test:schemathesis`: requests that Schemathesis makes up from the OpenAPI document, to the API on a socket
 * with the fakes and a stock of tenants and migrations behind it. Ends with 0 and the reason where there is no Python;
 * else with 1 when anything was answered with a server error or with what the document does not tell of, when an
 * operation never succeeded, or when it takes too long.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { startServer, type Served } from "../api/server.ts";
import { mintToken } from "./support/api.ts";
import { createStockedApi, type Stock } from "./support/api-stock.ts";
import { createTally } from "./support/api-tally.ts";

const PACKAGE = "schemathesis==4.32.5";
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
  "ignored_auth",
];
const EXAMPLES = 60;
const MAX_SECONDS = 300;
/** How many of an operation's requests take their parameters from the stock; others find nothing. */
const FROM_STOCK = 0.8;
/** Some requests carry a key, so few keys that some are sent again. */
const KEYED = 0.2;
const KEYS = Array.from({ length: 40 }, (_, index) => `key-${index}`);

const folder = await mkdtemp(path.join(os.tmpdir(), "tierlift-schemathesis-"));
try {
  process.exitCode = await checkApi();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function checkApi(): Promise<number> {
  const bin = path.join(folder, "bin");
  if (spawnSync("python3", ["-m", "venv", folder]).status !== 0) return skip("python3 with venv is missing");
  if (spawnSync(path.join(bin, "pip"), ["install", "--quiet", PACKAGE], { stdio: "inherit" }).status !== 0) {
    return skip(`pip cannot install ${PACKAGE}`);
  }
  const { api, stock, stop } = await createStockedApi();
  const tally = createTally();
  const counted: Served = {
    async fetch(request, bindings) {
      const response = await api.app.fetch(request, bindings as object);
      await tally.note(request.method, new URL(request.url).pathname, response);
      return response;
    },
  };
  const server = await startServer(counted, 0);
  await writeFile(path.join(folder, "schemathesis.toml"), configurationOf(stock));
  const token = await mintToken(["PLATFORM_ADMIN"]);
  const options = {
    checks: CHECKS.join(","),
    // The token is of this run alone and opens nothing but the fakes.
    header: `Authorization: Bearer ${token}`,
    "max-examples": String(EXAMPLES),
    seed: "1",
    phases: "examples,coverage,fuzzing",
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  args.push("--continue-on-failure");
  const ended = await endOf(path.join(bin, "schemathesis"), ["run", `${server.url}/openapi.json`, ...args]);
  await server.close(0);
  await stop();
  for (const line of [...tally.summary(), `ended with ${ended}`]) console.log(`schemathesis: ${line}`);
  return ended === 0 && tally.isGood() ? 0 : 1;
}

/** In TOML, which writes such strings and lists as JSON does. */
function configurationOf(stock: Stock): string {
  const keys = { "header.Idempotency-Key": KEYS };
  const operations = Object.entries(stock).map(
    ([id, parameters]) =>
      `[[operations]]\ninclude-operation-id = "${id}"\n${bindingsOf(id, parameters, FROM_STOCK)}`,
  );
  const dictionaries = Object.entries({ ...stock, any: keys }).flatMap(([id, parameters]) =>
    Object.entries(parameters).map(
      ([name, values]) => `[dictionaries."${id} ${name}"]\nvalues = ${JSON.stringify(values)}`,
    ),
  );
  // What is no table's comes first.
  return [bindingsOf("any", keys, KEYED), ...dictionaries, ...operations].join("\n\n");
}

function bindingsOf(id: string, parameters: Stock[string], probability: number): string {
  const bindings = Object.keys(parameters).map(
    (name) => `"${name}" = { dictionary = "${id} ${name}", probability = ${probability} }`,
  );
  return `parameters = { ${bindings.join(", ")} }`;
}

function skip(reason: string): number {
  console.log(`schemathesis: SKIPPED: ${reason}`);
  return 0;
}

/** The exit code, or the signal that ended it. */
function endOf(program: string, args: string[]): Promise<number | string> {
  return new Promise((resolve, reject) => {
    // In the temporary folder: its configuration is there, and it keeps what it tried beside itself.
    const child = spawn(program, args, { cwd: folder, stdio: "inherit" });
    const bound = setTimeout(() => child.kill(), MAX_SECONDS * 1000);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(bound);
      resolve(code ?? signal ?? 1);
    });
  });
}
