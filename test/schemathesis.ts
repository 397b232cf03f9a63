/**
 * `npm run test:schemathesis`: requests that Schemathesis makes up from the OpenAPI document, to the API on a socket
 * with the fakes behind it. Ends with 0 and the reason where there is no Python; else with Schemathesis' own code.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { startServer } from "../api/server.ts";
import { createApi, mintToken } from "./support/api.ts";

const PACKAGE = "schemathesis==4.32.5";
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
];
const MAX_SECONDS = 120;

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
  const api = createApi();
  await api.world.tierlift.start();
  const server = await startServer(api.app, 0);
  const token = await mintToken(["PLATFORM_ADMIN"]);
  const options = {
    checks: CHECKS.join(","),
    // The token is of this run alone and opens nothing but the fakes.
    header: `Authorization: Bearer ${token}`,
    "max-examples": "25",
    seed: "1",
    "max-time": String(MAX_SECONDS),
    phases: "examples,coverage,fuzzing",
    // It ends with the tenant's work only.
    "exclude-path-regex": "stream$",
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const code = await endOf(path.join(bin, "schemathesis"), ["run", `${server.url}/openapi.json`, ...args]);
  await server.close(0);
  await api.world.tierlift.stop();
  return code;
}

function skip(reason: string): number {
  console.log(`schemathesis: SKIPPED: ${reason}`);
  return 0;
}

function endOf(program: string, args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    // In the temporary folder: it keeps what it tried beside itself.
    const child = spawn(program, args, { cwd: folder, stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
