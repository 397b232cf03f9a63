/** A whole service over the fake engine: what is asked through the facade, what happened through the fakes. */
import { silentLogger } from "../../automation/logger.ts";
import type { Actor, JobStatus, Phase, Tenant, TierMigrationJob } from "../../automation/model.ts";
import type {
  BlobsInput,
  CacheDataInput,
  CacheVerb,
  CutoverReport,
  DataReport,
  DataVerb,
  Ports,
  SliceDigest,
} from "../../automation/ports.ts";
import { DEFAULT_SETTINGS } from "../../automation/settings.ts";
import type { TierliftSettings } from "../../automation/settings.ts";
import { createMemoryStore } from "../../automation/store/memory-store.ts";
import type { Store } from "../../automation/store/store.ts";
import { createTierlift } from "../../automation/tierlift.ts";
import type { Tierlift } from "../../automation/tierlift.ts";
import type { Tier } from "../../stacks/spec.ts";
import { createFakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { createFakeEngine, dnsAnswer } from "./fake-engine.ts";
import type { FakeCloud, FakeEngine } from "./fake-engine.ts";

export const ADMIN: Actor = { subject: "admin", roles: ["PLATFORM_ADMIN"] };
export const CREDENTIALS = {
  clientId: "client",
  clientSecretRef: "reference",
  azureTenantId: "directory",
  subscriptionId: "subscription",
};
export const CLIENT_SECRET = "a secret that must not be kept";

/** Longer than any test: such a sleep ends only by `advance` or an abort. */
const NEVER_MS = 1e12;

export interface World {
  tierlift: Tierlift;
  store: Store;
  engine: FakeEngine;
  clock: FakeClock;
  ports: Ports;
  /** Verbs of the data command in the order in which they were run. */
  data: DataVerb[];
  /** Containers that the cutovers were told of. */
  blobs: BlobsInput[];
  /** What the data command was asked of caches. */
  caches: [CacheVerb, CacheDataInput][];
}

export interface WorldOptions {
  store?: Store;
  engine?: FakeEngine;
  clock?: FakeClock;
  settings?: Partial<TierliftSettings>;
  ports?: Partial<Ports>;
  /** What the data command does; throws or reports. */
  onData?: (verb: DataVerb) => DataReport | Promise<DataReport>;
}

/** As the data command reports it when all is well. */
export const CUTOVER: CutoverReport = {
  mode: "followed",
  frozenSeconds: 0.3,
  comparedInFreeze: 2,
  differences: [],
};

let ids = 0;
const newId = (): string => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, "0")}`;

export const SETTINGS: TierliftSettings = {
  ...DEFAULT_SETTINGS,
  program: {
    platform: { subscriptionId: "platform", useDefaultCredential: true },
    images: { registry: "registry.test", tag: "1" },
    dataCommand: ["data"],
    platformStack: "organization/tierlift/platform",
  },
  passwordSeed: "seed",
  zoneName: "example.test",
  platformRegion: "westeurope",
  heartbeatMs: NEVER_MS,
  catchUpEveryMs: NEVER_MS,
};

export function createWorld(options: WorldOptions = {}): World {
  const { store = createMemoryStore(), engine = createFakeEngine(), clock = createFakeClock() } = options;
  const data: DataVerb[] = [];
  const blobs: BlobsInput[] = [];
  const caches: World["caches"] = [];
  const ports: Ports = {
    checkServicePrincipal: ({ azureTenantId }) => Promise.resolve({ directoryId: azureTenantId }),
    resolveSecret: () => Promise.resolve(CLIENT_SECRET),
    runData: async (verb, input) => {
      data.push(verb);
      if (verb === "cutover" && input.blobs) blobs.push(input.blobs);
      return { ...(verb === "cutover" ? CUTOVER : {}), ...(await options.onData?.(verb)) };
    },
    runBlobs: () => Promise.resolve({}),
    runCache: (verb, input) => {
      caches.push([verb, input]);
      return Promise.resolve({ complete: true, copied: 3, failed: 0, seconds: 0.1 });
    },
    resolveDns: (name) => Promise.resolve(dnsAnswer(engine.cloud, name)),
    verify: () => Promise.resolve({ checks: [], passed: true, startedAt: "", finishedAt: "" }),
    takeInventory: () => Promise.resolve({ answers: [{ place: "the world", left: [] }], kept: [] }),
    removeOrphans: () => Promise.resolve([]),
    digestSlice: ({ tenant }) => Promise.resolve(digestOf(engine.cloud, tenant)),
    issueCertificate: () => Promise.resolve(undefined),
    clock,
    newId,
    ...options.ports,
  };
  const settings = { ...SETTINGS, ...options.settings };
  const tierlift = createTierlift({ store, engine, ports, settings, logger: silentLogger });
  return { tierlift, store, engine, clock, ports, data, blobs, caches };
}

function digestOf({ stacks }: FakeCloud, { slug, tier }: Tenant): SliceDigest {
  const slice = [...(stacks.get(slug)?.values() ?? [])].filter(({ components }) =>
    components.includes("tierlift:slice:Slice"),
  );
  const objects = Object.fromEntries(slice.map(({ name, properties }) => [name, JSON.stringify(properties)]));
  return { objects, rows: {}, blobs: "none", role: "there", limits: tier };
}

/** Looks at each event of a tenant, from the first, until `isOver`. */
export async function follow(world: World, tenantId: string, isOver: () => boolean): Promise<void> {
  const stop = new AbortController();
  const events = world.tierlift.events.subscribe(tenantId, { afterId: 0, signal: stop.signal });
  const iterator = events[Symbol.asyncIterator]();
  try {
    while ((await iterator.next()).done !== true) if (isOver()) return;
  } finally {
    stop.abort();
  }
}

/** Waits, by the tenant's events, until `isSo`; every change that matters comes with an event. */
export async function until(world: World, tenantId: string, isSo: () => boolean): Promise<void> {
  if (!isSo()) await follow(world, tenantId, isSo);
}

/** A tenant whose slice stands. */
export async function activeTenant(world: World, tier: Tier = "STARTER", slug = "acme"): Promise<Tenant> {
  const input = { name: slug, slug, tier, region: "westeurope", adminEmail: `admin@${slug}.test` };
  const { id } = await world.tierlift.tenants.create(input, ADMIN);
  await until(world, id, () => world.tierlift.tenants.get(id).status === "ACTIVE");
  return world.tierlift.tenants.get(id);
}

/** The job once it has one of these states, with whatever was written along with it. */
export async function arrival(
  world: World,
  jobId: string,
  ...states: JobStatus[]
): Promise<TierMigrationJob> {
  const { tenantId } = world.tierlift.migrations.get(jobId);
  await until(world, tenantId, () => states.includes(world.tierlift.migrations.get(jobId).status));
  return world.tierlift.migrations.get(jobId);
}

/** Initiates, pays and submits credentials: the migration is on its way. */
export async function underWay(
  world: World,
  tenantId: string,
  targetTier: Tier = "PROFESSIONAL",
): Promise<string> {
  const { migrations } = world.tierlift;
  const { id } = await migrations.initiate(tenantId, targetTier, ADMIN);
  await migrations.validatePayment(id, ADMIN);
  await migrations.submitCredentials(id, CREDENTIALS, ADMIN);
  return id;
}

/** A migration that waits for its tenant's word. */
export async function inVerification(world: World): Promise<{ tenantId: string; jobId: string }> {
  const { id: tenantId } = await activeTenant(world);
  const jobId = await underWay(world, tenantId);
  await arrival(world, jobId, "VERIFICATION");
  return { tenantId, jobId };
}

export const outcomeOf = (job: TierMigrationJob, phase: Phase): string | undefined =>
  job.phases.find((record) => record.phase === phase)?.outcome;

/** Waits for a migration longer than any clock of the tests goes by itself. */
export const PATIENT_MS = NEVER_MS;
