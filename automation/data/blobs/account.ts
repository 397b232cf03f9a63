/** The two containers of a move, each as its own identity, with deadlines and one signal that ends all calls. */
import { BlobServiceClient, RestError } from "@azure/storage-blob";
import type { ContainerClient } from "@azure/storage-blob";
import { discoverCloud } from "../../azure/cloud.ts";
import type { Cloud } from "../../azure/cloud.ts";
import { credentialOf } from "../credential.ts";
import { DataError } from "../errors.ts";
import type { Place } from "../errors.ts";
import type { Progress } from "../progress.ts";
import type { BlobsRequest } from "../request.ts";
import { planPrefix } from "./request.ts";
import type { BlobContainer } from "./request.ts";

/** Longest single call: a page of a listing, a block, the properties of a blob. */
const CALL_TIMEOUT_MS = 2 * 60_000;

/** One side of a move: a container, and what the tenant's names begin with there. */
export interface Side {
  name: "source" | "target";
  client: ContainerClient;
  prefix: string;
}

/** In which direction blobs go. */
export interface Way {
  from: Side;
  to: Side;
}

export interface BlobContext {
  source: Side;
  /** See the document's `blobs.asOf`. */
  asOf?: Date;
  /** Throws `BAD_REQUEST` when the document names no container of the tenant's own. */
  target(): Side;
  signal: AbortSignal;
  progress: Progress;
}

export async function openContainers(
  request: BlobsRequest,
  { signal, progress }: Pick<BlobContext, "signal" | "progress">,
): Promise<BlobContext> {
  const { source, target, metadataHost, asOf } = request.blobs;
  const cloud = await call({ signal }, {}, () => discoverCloud(metadataHost));
  const open = (container: BlobContainer) => openContainer(container, cloud);
  const sourceSide: Side = { name: "source", client: open(source), prefix: planPrefix(request) };
  const targetSide: Side | undefined = target && { name: "target", client: open(target), prefix: "" };
  return {
    source: sourceSide,
    ...(asOf && { asOf: new Date(asOf) }),
    target() {
      if (targetSide) return targetSide;
      throw new DataError("BAD_REQUEST", "blobs.target is missing: this verb needs the tenant's own account");
    },
    signal,
    progress,
  };
}

function openContainer({ endpoint, container, login }: BlobContainer, cloud: Cloud): ContainerClient {
  const service = new BlobServiceClient(endpoint, credentialOf(login, cloud), {
    retryOptions: { maxTries: 5, retryDelayInMs: 500, maxRetryDelayInMs: 10_000 },
  });
  return service.getContainerClient(container);
}

/** Runs one call of the client; says where it failed, with the service's code and without its text. */
export async function call<T>(
  { signal }: Pick<BlobContext, "signal">,
  place: Place,
  work: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
  try {
    return await work(AbortSignal.any([signal, deadline]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DataError) throw error;
    const problem = deadline.aborted ? `no answer within ${CALL_TIMEOUT_MS / 1000} s` : describe(error);
    throw new DataError("STORAGE", problem, place, { cause: error });
  }
}

/** From the shared account to the tenant's own. */
export const wayOver = (context: BlobContext): Way => ({ from: context.source, to: context.target() });

/** From the tenant's own account to the shared one. */
export const wayBack = (context: BlobContext): Way => ({ from: context.target(), to: context.source });

/** Throws `BAD_REQUEST` where the document does not say when both sides were the same. */
export function requireAsOf({ asOf }: BlobContext): Date {
  if (asOf) return asOf;
  throw new DataError("BAD_REQUEST", "blobs.asOf is missing: without it nothing is known to be late");
}

/** Whether a call failed because the blob is not what, or where, it was expected to be; on either side by default. */
export function isStatus(error: unknown, status: 404 | 409 | 412, side?: Side["name"]): boolean {
  if (side && !(error instanceof DataError && error.place.side === side)) return false;
  const cause = error instanceof DataError ? error.cause : error;
  return cause instanceof RestError && cause.statusCode === status;
}

function describe(error: unknown): string {
  if (error instanceof RestError && error.statusCode !== undefined)
    return `the storage service answered ${error.statusCode} ${error.code ?? ""}`.trim();
  // The first line of a sign-in's failure has its code; what follows are ids of the request.
  return error instanceof Error ? (error.message.split("\n", 1)[0] ?? error.name) : "unknown failure";
}
