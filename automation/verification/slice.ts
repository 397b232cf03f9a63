/** The slice as it is, in digests: what a way back is held against. */
import { createHash } from "node:crypto";
import type { StackEngine } from "../engine/engine.ts";
import { stableJson } from "../engine/change-set.ts";
import type { Ports, SliceContext, SliceDigest } from "../ports.ts";
import { createClusterReader } from "./cluster.ts";
import type { ClusterReader } from "./cluster.ts";
import { declaredObjects } from "./objects.ts";
import type { DeclaredObject } from "./objects.ts";
import { eachOf } from "./parallel.ts";
import {
  inspectShared,
  inspectSharedBlobs,
  inspectSharedCache,
  inspectSharedKafka,
  platformOf,
} from "./shared.ts";

export interface SliceReaderOptions {
  engine: Pick<StackEngine, "resources">;
  runData: Ports["runData"];
  runBlobs: Ports["runBlobs"];
  runCache?: Ports["runCache"];
  runKafka?: Ports["runKafka"];
}

/** Makes the reader of slices: the objects that the state declares, read from the API server; what is in the stores; limits. */
export function createSliceReader({
  engine,
  runData,
  runBlobs,
  runCache,
  runKafka,
}: SliceReaderOptions): Ports["digestSlice"] {
  return async (context) => {
    const [objects, shared, held, keys, records] = await Promise.all([
      digestObjects(engine, context),
      inspectShared(runData, context),
      inspectSharedBlobs(runBlobs, context),
      runCache && describeKeys(runCache, context),
      runKafka && inspectSharedKafka(runKafka, context),
    ]);
    const rows = shared.databases.flatMap(({ name, tables }) =>
      tables.map(({ table, rows, checksum }) => [`${name} / ${table}`, `${rows} rows, ${checksum}`] as const),
    );
    const { exists, reads, writes } = shared.role;
    const { tier, limits } = context.tenant;
    return {
      objects,
      rows: Object.fromEntries(rows),
      blobs: `${held.blobs} blobs, ${held.bytes} bytes, ${held.digest}`,
      ...(keys !== undefined && { keys }),
      ...(records && { records: `${records.records} records, ${records.digest}` }),
      role: exists
        ? `there, ${reads ? "reads" : "may not read"}, ${writes ? "writes" : "may not write"}`
        : "none",
      limits: stableJson({ tier, ...limits }),
    } satisfies SliceDigest;
  };
}

/** A cache that does not answer is no reason to stop what the digest is taken for. */
async function describeKeys(
  runCache: NonNullable<Ports["runCache"]>,
  context: SliceContext,
): Promise<string> {
  try {
    const { keys, expiring, digest } = await inspectSharedCache(runCache, context);
    return `${keys - expiring} keys that stay, ${digest}`;
  } catch (error) {
    context.signal.throwIfAborted();
    return `not known: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function digestObjects(
  engine: SliceReaderOptions["engine"],
  { tenant, platformOutputs }: SliceContext,
): Promise<Record<string, string>> {
  const cluster = createClusterReader(platformOf(platformOutputs).kubeconfig);
  const declared = declaredObjects(await engine.resources(tenant.slug), "tierlift:slice:Slice");
  const digests = await eachOf(declared, (object) => digestObject(cluster, object));
  return Object.fromEntries(
    declared.flatMap((object, index) => {
      const digest = digests[index];
      return digest === undefined ? [] : [[nameOf(object), digest] as const];
    }),
  );
}

const nameOf = ({ kind, namespace, name }: DeclaredObject): string =>
  [kind, ...(namespace === undefined ? [] : [namespace]), name].join(" ");

async function digestObject(cluster: ClusterReader, object: DeclaredObject): Promise<string | undefined> {
  const found = await cluster.read(object);
  return found === undefined ? undefined : `${uidOf(found)} ${digestWish(found)}`;
}

type Read = Record<string, unknown>;

const uidOf = ({ metadata }: Read): string => (metadata as { uid?: string } | undefined)?.uid ?? "";

/** Annotations by which controllers keep their own books. */
const BOOKKEEPING = /(^|\.)kubernetes\.io\//;

/**
 * What the object asks for: without status, managed fields and versions, without controllers' annotations, and without
 * a Deployment's replicas, which its autoscaler sets.
 */
export function digestWish({ kind, metadata, status: _status, ...wish }: Read): string {
  const { labels = {}, annotations = {} } = (metadata ?? {}) as Record<string, Record<string, string>>;
  const own = Object.fromEntries(Object.entries(annotations).filter(([name]) => !BOOKKEEPING.test(name)));
  const spec = { ...(wish["spec"] as Read | undefined) };
  if (kind === "Deployment") delete spec["replicas"];
  const compared = {
    ...wish,
    ...(wish["spec"] === undefined ? {} : { spec }),
    kind,
    labels,
    annotations: own,
  };
  return createHash("sha256").update(stableJson(compared)).digest("hex");
}
