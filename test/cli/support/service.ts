/** The product's own API over the fake engine, on a socket; and the command line as a process that asks it. */
import path from "node:path";
import { onTestFinished } from "vitest";
import { startServer } from "../../../api/server.ts";
import { createApi, mintToken } from "../../support/api.ts";
import type { World } from "../../support/fake-world.ts";
import { startProcess, temporaryFolder, type Watched } from "../../commands/processes.ts";

const BIN = path.resolve(import.meta.dirname, "../../../cli/tierlift.mjs");

export interface Service {
  url: string;
  world: World;
  /** Starts `tierlift` with these words, as a platform administrator unless told otherwise. */
  start: (args: string[], env?: Record<string, string>) => Watched;
  run: (args: string[], env?: Record<string, string>) => Promise<Ended>;
}

export interface Ended {
  code: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

export async function startService(options: Parameters<typeof createApi>[0] = {}): Promise<Service> {
  const { app, world } = createApi(options);
  await world.tierlift.start();
  const server = await startServer(app, 0);
  onTestFinished(async () => {
    await world.tierlift.stop();
    await server.close(0);
  });
  const { url } = server;
  const token = await mintToken(["PLATFORM_ADMIN"]);
  const start: Service["start"] = (args, env = {}) =>
    startCli(args, { TIERLIFT_API: url, TIERLIFT_TOKEN: token, ...env });
  return { url, world, start, run: (args, env) => ended(start(args, env)) };
}

/** Without a service: what is not said in `env` is not there. */
export const startCli = (args: string[], env: Record<string, string>): Watched =>
  startProcess(BIN, {
    args,
    node: [],
    env: { TIERLIFT_API: "", TIERLIFT_TOKEN: "", TIERLIFT_HOME: temporaryFolder(), ...env },
  });

export async function ended(cli: Watched): Promise<Ended> {
  const code = await cli.ended;
  return { code, ...cli.output() };
}

export const CREDENTIAL_FLAGS = [
  ...["--client-id", "client"],
  ...["--client-secret-ref", "reference"],
  ...["--azure-tenant-id", "directory"],
  ...["--subscription-id", "subscription"],
];

/** Lines of JSON. */
export const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
