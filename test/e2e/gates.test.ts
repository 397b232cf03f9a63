/**
 * A cutover that must not happen: a row or a blob that is wrong on the new side, a name that cannot be switched. Each
 * time the tenant is in VERIFICATION again, writes on the shared side, and is told why; then it goes through.
 */
import { readFileSync } from "node:fs";
import pg from "pg";
import { describe, expect, it } from "vitest";
import type { InspectReport } from "../../automation/data/postgres/report.ts";
import { secondsSince } from "./beginning.ts";
import { tellChapters } from "./chapters.ts";
import { Operator } from "./operator.ts";
import { digestRows, ownContainer } from "./world.ts";

const MINUTE = 60_000;
const DATABASE = "query";
const TABLE = "query_runs";

const { installation, begun } = tellChapters("STARTER");
const operator = new Operator(installation);

/** As the administrator of the shared server, or of the tenant's own. */
async function onServer<T>(of: "platform" | "acme", work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { postgres, ca } = installation.endpoints();
  const { host, port, user, passwordFile } = postgres.find(({ resourceId }) => resourceId.includes(of))!;
  const password = readFileSync(passwordFile, "utf8").trim();
  const client = new pg.Client({
    host,
    port,
    user,
    password,
    database: DATABASE,
    ssl: { ca: readFileSync(ca) },
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What the tenant's role may do on the shared server is what a membership says. */
const mayWrite = (): Promise<boolean> =>
  onServer("platform", async (client) => {
    const { rows } = await client.query<{ writes: InspectReport["role"]["writes"] }>(
      `SELECT pg_has_role('tenant_acme', 'tierlift_writer', 'MEMBER') AS writes`,
    );
    return rows[0]!.writes;
  });

describe("a cutover that must not happen", { timeout: 10 * MINUTE }, () => {
  let jobId: string;
  let shared: Record<string, string>;

  /** Completes, and answers the reason for which the tenant is in VERIFICATION again. */
  async function refusal(): Promise<string> {
    const { story, tenantId } = begun();
    const startedMs = performance.now();
    await story.complete(jobId);
    const { status, error } = await story.untilJob(jobId, ["VERIFICATION", "FAILED", "COMPLETED"]);
    console.log(`${status} in ${secondsSince(startedMs)} s: ${error?.message ?? "no reason"}`);
    expect(status).toBe("VERIFICATION");
    expect(error?.phase).toBe("CUTTING_OVER");
    expect((await story.tenant(tenantId)).tier).toBe("STARTER");
    expect(await mayWrite()).toBe(true);
    expect(await digestRows(installation)).toEqual(shared);
    return error!.message;
  }

  it("begins with a tenant that tries its new infrastructure", async () => {
    const { story, tenantId } = begun();
    jobId = await story.upgrade(tenantId, "PROFESSIONAL");
    await story.reaches(jobId, "VERIFICATION");
    shared = await digestRows(installation);
  });

  it("stops at a row that is not what the shared server has, by its key and both digests", async () => {
    const spoil = (by: number) =>
      onServer("acme", (client) =>
        client.query(`UPDATE ${TABLE} SET duration_ms = duration_ms + ${by} WHERE id = 1`),
      );
    await spoil(1);
    expect(await refusal()).toMatch(
      new RegExp(
        `postgres / ${DATABASE} / public.${TABLE}, id = 1: source [0-9a-f]{12}, target [0-9a-f]{12}`,
      ),
    );
    await spoil(-1);
  });

  it("stops at a blob that was changed after its copy, by its name and both MD5s", async () => {
    const container = (await ownContainer(installation, "acme"))!;
    const name = "models/churn/model.json";
    const before = await container.read(name);
    await container.put(name, { ...before, body: Buffer.from("spoiled") });
    expect(await refusal()).toMatch(
      new RegExp(`blobs / ${name}: MD5 \\S+ of \\d+ bytes in the shared account, \\S+ of 7 bytes`),
    );
    await container.put(name, before);
  });

  it("takes the switch back when a record cannot be changed", async () => {
    const match = {
      type: "Microsoft.Network/dnsZones/A",
      id: "*/acme.matih.ai/A/bi",
      calls: ["PUT" as const],
    };
    const effect = { kind: "fail", status: 400, code: "BadRequest", message: "no record today" } as const;
    await operator.plan({ record: { match, effect, times: 1 } });
    expect(await refusal()).toContain("no record today");
    await operator.plan({});
  });

  it("goes through once nothing is in its way", async () => {
    const { story, tenantId } = begun();
    await story.complete(jobId);
    await story.reaches(jobId, "COMPLETED");
    expect((await story.tenant(tenantId)).tier).toBe("PROFESSIONAL");
  });
});
