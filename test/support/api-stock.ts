/** What made-up requests can meet: for every operation tenants or migrations in a state in which it is allowed. */
import { createApi, mintToken } from "./api.ts";
import type { Api } from "./api.ts";
import { createFakeEngine } from "./fake-engine.ts";
import type { FakeEngine } from "./fake-engine.ts";
import { CREDENTIALS } from "./fake-world.ts";

/** Of each kind; most commands can be done once to each. */
const EACH = 12;
/** Few, as both have to be met by chance: a tenant, and its slug as the confirmation. */
const LEAVING = 3;
const ENDS_EVERY_MS = 50;
const LOOK_EVERY_MS = 5;

/** By operation and parameter, values that it can succeed with. */
export type Stock = Record<string, Record<string, string[]>>;

export interface StockedApi {
  api: Api;
  stock: Stock;
  stop: () => Promise<void>;
}

/** All of it is asked for as clients do. Streams of the tenant that the stock names for them end again and again. */
export async function createStockedApi(): Promise<StockedApi> {
  const engine = createFakeEngine();
  breakSome(engine);
  const api = createApi({ engine, settings: { reviewRequired: true } });
  await api.world.tierlift.start();
  const seed = createSeed(api, await mintToken(["PLATFORM_ADMIN"]));
  const stock = await createStock(seed);
  const [streamed = ""] = await seed.tenants("broken-stream", 1, "PROVISIONING_FAILED");
  stock["streamProvisioningStatus"] = { "path.tenantId": [streamed] };
  const ending = setInterval(() => void seed.tryProvisioning(streamed), ENDS_EVERY_MS);
  return {
    api,
    stock,
    async stop() {
      clearInterval(ending);
      await api.world.tierlift.stop();
    },
  };
}

/** What a stack cannot have is told by its slug. */
function breakSome(engine: FakeEngine): void {
  engine.onApply = (stack, _operation, { components }) => {
    const isOfSlice = components.includes("tierlift:slice:Slice");
    const isBroken = stack.startsWith(isOfSlice ? "broken" : "failing") && components.length > 0;
    const isOfZone = components.includes("tierlift:dns:TenantZone");
    if (isBroken && !isOfZone) throw new Error(`${stack} cannot have this`);
  };
}

type Seed = ReturnType<typeof createSeed>;

async function createStock(seed: Seed): Promise<Stock> {
  const shared = await seed.tenants("shared", EACH, "ACTIVE");
  const broken = await seed.tenants("broken", EACH, "PROVISIONING_FAILED");
  const leaving = await seed.tenants("leaving", LEAVING, "ACTIVE");
  const initiated = await seed.migrations("initiated", 2 * EACH, "INITIATED");
  const paid = await seed.migrations("paid", EACH, "PAYMENT_VALIDATED");
  const previewed = await seed.migrations("previewed", EACH, "AWAITING_APPROVAL");
  const tried = await seed.migrations("tried", 3 * EACH, "VERIFICATION");
  const failed = await seed.migrations("failing", EACH, "FAILED");
  const [completed, rolledBack, seen] = thirds(tried.jobs);
  const ofJobs = (jobs: string[]) => ({ "path.jobId": jobs });
  const ofTenants = (tenants: string[]) => ({ "path.tenantId": tenants });
  return {
    initiateMigration: ofTenants(shared),
    getActiveMigration: ofTenants(tried.tenants),
    listMigrationHistory: ofTenants(tried.tenants),
    getMigration: ofJobs(tried.jobs),
    getPreview: ofJobs(seen),
    getMigrationAudit: ofJobs(tried.jobs),
    validatePayment: ofJobs(initiated.jobs.slice(0, EACH)),
    submitCredentials: ofJobs(paid.jobs),
    approveMigration: ofJobs(previewed.jobs),
    completeVerification: ofJobs(completed),
    rollbackMigration: ofJobs(rolledBack),
    cancelMigration: ofJobs(initiated.jobs.slice(EACH)),
    retryMigration: ofJobs(failed.jobs),
    getTenant: ofTenants([...shared, ...broken]),
    deleteTenant: {
      ...ofTenants(leaving),
      "query.confirm": leaving.map((_id, index) => slugOf("leaving", index)),
    },
    getProvisioningStatus: ofTenants([...shared, ...tried.tenants]),
    retryProvisioning: ofTenants(broken),
  };
}

const slugOf = (kind: string, index: number): string => `${kind}-${index}`;

function thirds(ids: string[]): [string[], string[], string[]] {
  return [ids.slice(0, EACH), ids.slice(EACH, 2 * EACH), ids.slice(2 * EACH)];
}

/** Commands in the order in which a migration takes them, and the state it waits in afterwards. */
const WAY = [
  { command: "validate-payment", body: undefined, state: "PAYMENT_VALIDATED" },
  { command: "submit-credentials", body: CREDENTIALS, state: "AWAITING_APPROVAL" },
  { command: "approve", body: undefined, state: "VERIFICATION" },
] as const;

type State = "INITIATED" | "FAILED" | (typeof WAY)[number]["state"];

function createSeed(api: Api, token: string) {
  let keys = 0;

  async function post(path: string, body?: unknown): Promise<{ id: string }> {
    const headers = { "Idempotency-Key": `seed-${(keys += 1)}` };
    const response = await api.request(path, { method: "POST", token, body, headers });
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as { id: string };
  }

  /** Waits until what the path shows has the status. */
  async function arrival(path: string, status: string): Promise<void> {
    for (;;) {
      const shown = (await (await api.get(path, token)).json()) as { status: string };
      if (shown.status === status) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => make(index)));

  const tenants = (kind: string, count: number, status: string): Promise<string[]> =>
    times(count, async (index) => {
      const slug = slugOf(kind, index);
      const wish = { name: kind, slug, tier: "STARTER", adminEmail: `admin@${slug}.example` };
      const { id } = await post("/api/v1/tenants", wish);
      await arrival(`/api/v1/tenants/${id}`, status);
      return id;
    });

  async function migrationTo(tenantId: string, state: State): Promise<string> {
    const wish = { targetTier: "PROFESSIONAL" };
    const { id } = await post(`/api/v1/migrations/tenants/${tenantId}/upgrade-tier`, wish);
    const isThere = () => arrival(`/api/v1/migrations/${id}`, state);
    if (state === "INITIATED") return id;
    for (const { command, body, state: next } of WAY) {
      await post(`/api/v1/migrations/${id}/${command}`, body);
      if (next === state || next === "VERIFICATION") break;
      await arrival(`/api/v1/migrations/${id}`, next);
    }
    await isThere();
    return id;
  }

  return {
    tenants,
    /** One of each new tenant. */
    async migrations(kind: string, count: number, state: State) {
      const ids = await tenants(kind, count, "ACTIVE");
      return { tenants: ids, jobs: await times(count, (index) => migrationTo(ids[index] ?? "", state)) };
    },
    /** Refused while it is under way. */
    tryProvisioning: (tenantId: string) =>
      api.request(`/api/v1/tenants/${tenantId}/provisioning/retry`, { method: "POST", token }),
  };
}
