/** The data command as a process of its own, and who it signs in as, for tests of every store. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { text } from "node:stream/consumers";
import type { ArmUnderTest } from "../../local/arm/support/arm.ts";

export const ACME = { id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01", slug: "acme" };

export type StoreName = "postgres" | "blobs" | "cache" | "kafka";

export interface Ended {
  code: number | null;
  report: Record<string, unknown>;
  stdout: string;
  stderr: string;
}

/** Starts one verb with its document; the process trusts the authority of `caFile`. */
export function startMover(store: StoreName, verb: string, document: unknown, caFile: string): ChildProcess {
  return startProgram(["automation/data/run.mjs", store, verb], document, caFile);
}

/** The same for what only a switch calls: see `alongside-program.ts`. */
export function startAlongside(steps: string, document: unknown, caFile: string): ChildProcess {
  const program = ["--import", "tsx", "test/automation/data/alongside-program.ts", steps];
  return startProgram(program, document, caFile);
}

function startProgram(program: string[], document: unknown, caFile: string): ChildProcess {
  const child = spawn(process.execPath, program, {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(JSON.stringify(document));
  return child;
}

/** Waits for the end of a data command. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout!), text(child.stderr!), exited]);
  const report = code === 0 ? (JSON.parse(stdout) as Record<string, unknown>) : {};
  return { code, report, stdout, stderr };
}

/** How the data command signs in as a principal of a test's directory. */
export function loginOf({ running }: ArmUnderTest, principal: string) {
  const { tenantId, clientId, secret } = running.cloud.directory.principal(principal);
  return { azureTenantId: tenantId, clientId, clientSecret: secret.value };
}
