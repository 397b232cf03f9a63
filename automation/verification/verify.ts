/** The automated checks before a tenant is asked to try its new infrastructure. */
import { z } from "zod";
import type { StackEngine } from "../engine/engine.ts";
import type { Ports, VerificationCheck, VerificationContext, VerificationReport } from "../ports.ts";
import { createClusterReader } from "./cluster.ts";
import type { ClusterReader } from "./cluster.ts";
import { declaredObjects } from "./objects.ts";
import type { DeclaredObject } from "./objects.ts";
import { eachOf } from "./parallel.ts";

const dedicatedOutputs = z.object({
  kubeconfig: z.string(),
  namespace: z.string(),
  ingressAddress: z.string(),
  serviceEndpoints: z.record(z.string(), z.string()),
});

export interface VerifierOptions {
  engine: Pick<StackEngine, "resources">;
  resolveDns: Ports["resolveDns"];
  runData: Ports["runData"];
  runBlobs: Ports["runBlobs"];
  runCache?: Ports["runCache"];
  runKafka?: Ports["runKafka"];
  clock: Ports["clock"];
  zoneName: string;
}

/** Makes the verification; what cannot be read is a failed check, never a passed one. */
export function createVerifier(options: VerifierOptions): Ports["verify"] {
  return async (context) => {
    const startedAt = options.clock.now().toISOString();
    const dedicated = dedicatedOutputs.parse(context.outputs["dedicated"]);
    const cluster = createClusterReader(dedicated.kubeconfig);
    const services = Object.keys(dedicated.serviceEndpoints);
    const groups = await Promise.all([
      guarded("rollouts", () => checkRollouts(cluster, dedicated.namespace, services)),
      guarded("endpoints", () => checkEndpoints(cluster, dedicated.namespace, services)),
      guarded("scrape targets", () => checkScrapeTargets(cluster, dedicated.namespace, services)),
      guarded("zone", () => checkZone(options, context, dedicated.ingressAddress)),
      guarded("objects", () => checkObjects(options.engine, cluster, context.tenant.slug)),
      // What grows in place was moved long ago: the shared server holds nothing to compare it with.
      ...(context.spec.slice === null
        ? []
        : [
            guarded("data", () => checkData(options, context)),
            guarded("data", () => checkBlobs(options, context)),
            checkCache(options, context),
            guarded("data", () => checkRecords(options, context)),
          ]),
    ]);
    const checks = groups.flat();
    const finishedAt = options.clock.now().toISOString();
    return {
      checks,
      passed: checks.every(({ passed }) => passed),
      startedAt,
      finishedAt,
    } satisfies VerificationReport;
  };
}

async function guarded(
  group: string,
  work: () => Promise<VerificationCheck[]>,
): Promise<VerificationCheck[]> {
  try {
    return await work();
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return [{ name: group, group, expected: "an answer", found, passed: false }];
  }
}

const check = (
  group: string,
  name: string,
  expected: unknown,
  found: unknown,
  passed = expected === found,
): VerificationCheck => ({
  name,
  group,
  expected: String(expected),
  found: String(found),
  passed,
});

async function checkRollouts(
  cluster: ClusterReader,
  namespace: string,
  services: string[],
): Promise<VerificationCheck[]> {
  const rollouts = new Map((await cluster.rollouts(namespace)).map((rollout) => [rollout.name, rollout]));
  return services.map((service) => {
    const { wanted, available } = rollouts.get(service) ?? { wanted: 1, available: 0 };
    return check(
      "rollouts",
      service,
      `${wanted} available`,
      `${available} available`,
      available >= wanted && wanted > 0,
    );
  });
}

async function checkEndpoints(
  cluster: ClusterReader,
  namespace: string,
  services: string[],
): Promise<VerificationCheck[]> {
  const ready = await cluster.readyEndpoints(namespace);
  return services.map((service) => {
    const found = ready.get(service) ?? 0;
    return check("endpoints", service, "at least 1 ready", `${found} ready`, found > 0);
  });
}

async function checkScrapeTargets(
  cluster: ClusterReader,
  namespace: string,
  services: string[],
): Promise<VerificationCheck[]> {
  const targets = await cluster.scrapeTargets(namespace);
  return services.map((service) => {
    const found = targets.get(service) ?? 0;
    return check("scrape targets", service, "at least 1 pod", `${found} pods`, found > 0);
  });
}

async function checkZone(
  { resolveDns, zoneName }: VerifierOptions,
  { tenant, spec, signal }: VerificationContext,
  address: string,
) {
  const zone = `${tenant.slug}.${zoneName}`;
  const apex = spec.next ? `next.${zone}` : zone;
  const names = [apex, `api.${apex}`, `bi.${apex}`];
  return Promise.all(
    names.map(async (name) => check("zone", name, address, (await resolveDns(name, signal)).join(", "))),
  );
}

async function checkObjects(engine: VerifierOptions["engine"], cluster: ClusterReader, stack: string) {
  const declared = declaredObjects(await engine.resources(stack), "tierlift:dedicated:Dedicated");
  const found = await countFound(cluster, declared);
  const kinds = [...new Set(declared.map(({ kind }) => kind))].sort();
  return kinds.map((kind) => {
    const expected = declared.filter((object) => object.kind === kind).length;
    return check("objects", kind, expected, found.get(kind) ?? 0);
  });
}

async function countFound(cluster: ClusterReader, declared: DeclaredObject[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const found = await eachOf(declared, (object) => cluster.exists(object));
  declared.forEach(({ kind }, index) => {
    if (found[index] === true) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  });
  return counts;
}

const dataReport = z.looseObject({
  differences: z.array(z.string()).optional(),
  rows: z.number().optional(),
  databases: z.array(z.looseObject({ name: z.string(), tables: z.array(z.unknown()) })).optional(),
});

/** Row counts and checksums of every table, as the data command compares them. */
async function checkData(
  { runData }: VerifierOptions,
  { data, signal }: VerificationContext,
): Promise<VerificationCheck[]> {
  const { differences = [], rows, databases = [] } = dataReport.parse(await runData("verify", data, signal));
  const tables = databases.reduce((sum, database) => sum + database.tables.length, 0);
  const found =
    differences.length === 0
      ? `equal: ${rows ?? 0} rows in ${tables} tables`
      : differences.slice(0, 5).join("; ");
  return [check("data", "postgres", "equal counts and checksums", found, differences.length === 0)];
}

const cacheReport = z.looseObject({
  verified: z.number(),
  differing: z.number(),
  differences: z.array(z.string()),
  problem: z.string().optional(),
});

/**
 * Keys as they are on both sides. Told, and never a fault: a cache is warmed, not moved, and its keys change and end by
 * themselves.
 */
async function checkCache(
  { runCache }: VerifierOptions,
  { cache, signal }: VerificationContext,
): Promise<VerificationCheck[]> {
  if (!runCache || !cache) return [];
  const tell = (found: string) => [check("data", "cache", "any", found, true)];
  try {
    const { verified, differing, differences, problem } = cacheReport.parse(
      await runCache("verify", cache, signal),
    );
    if (problem !== undefined) return tell(`not compared: ${problem}`);
    const others = differing > 0 ? `; ${differing} differ: ${differences.slice(0, 3).join("; ")}` : "";
    return tell(`equal: ${verified} keys${others}`);
  } catch (error) {
    signal.throwIfAborted();
    return tell(`not compared: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const blobsReport = z.looseObject({
  differences: z.array(z.string()),
  verified: z.object({ blobs: z.number(), bytes: z.number() }),
});

/** Every copy's MD5, read from its bytes, once what has changed since the copy is brought over. */
async function checkBlobs(
  { runBlobs }: VerifierOptions,
  { data, signal }: VerificationContext,
): Promise<VerificationCheck[]> {
  const { tenant, blobs } = data;
  await runBlobs("catch-up", { tenant, blobs }, signal);
  const { differences, verified } = blobsReport.parse(await runBlobs("verify", { tenant, blobs }, signal));
  const found =
    differences.length === 0
      ? `equal: ${verified.blobs} blobs, ${verified.bytes} bytes`
      : differences.slice(0, 5).join("; ");
  return [check("data", "blobs", "equal MD5 of every blob", found, differences.length === 0)];
}

const recordsReport = z.looseObject({
  differences: z.array(z.string()),
  verified: z.number(),
  partitions: z.array(z.unknown()),
});

/** Every moved record by its digest, once what came since the copy is brought over; nothing where there is no Kafka. */
async function checkRecords(
  { runKafka }: VerifierOptions,
  { data, signal }: VerificationContext,
): Promise<VerificationCheck[]> {
  const { tenant, kafka } = data;
  if (runKafka === undefined || kafka === undefined) return [];
  await runKafka("catch-up", { tenant, kafka }, signal);
  const { differences, verified, partitions } = recordsReport.parse(
    await runKafka("verify", { tenant, kafka }, signal),
  );
  const found =
    differences.length === 0
      ? `equal: ${verified} records in ${partitions.length} partitions`
      : differences.slice(0, 5).join("; ");
  return [check("data", "kafka", "equal counts and digests", found, differences.length === 0)];
}
