/**
 * A process with the real service: routes, tokens, log, durable store. Only what would touch a cloud stands still, so
 * that requests and events are measured and nothing else.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { createApp } from "../../api/app.ts";
import { createAuthenticator } from "../../api/auth.ts";
import { startServer } from "../../api/server.ts";
import type { Ports } from "../../automation/ports.ts";
import { systemClock } from "../../automation/ports.ts";
import type { TierliftSettings } from "../../automation/settings.ts";
import { DEFAULT_SETTINGS } from "../../automation/settings.ts";
import { openFileStore } from "../../automation/store/file-store.ts";
import { createTierlift } from "../../automation/tierlift.ts";
import { runCommandLine } from "../../commands/command-line.ts";
import { createServiceLogger } from "../../commands/logger.ts";
import { mintToken } from "../../commands/mint-token.ts";
import type { ServiceMessage, ServiceOrder } from "./messages.ts";
import { createWaitingEngine } from "./waiting-engine.ts";

const TOKEN_LIFETIME_MS = 3_600_000;

const SETTINGS: TierliftSettings = {
  ...DEFAULT_SETTINGS,
  program: {
    platform: { subscriptionId: "", useDefaultCredential: true },
    images: { registry: "", tag: "" },
    dataCommand: [],
    platformStack: "",
  },
  passwordSeed: "",
  zoneName: "bench.test",
  platformRegion: "westeurope",
};

await runCommandLine(async ({ signal }) => {
  const store = await openFileStore(process.env.TIERLIFT_BENCH_DATA ?? "");
  const logger = createServiceLogger();
  const engine = createWaitingEngine();
  const tierlift = createTierlift({ store, engine, ports: createStillPorts(), settings: SETTINGS, logger });
  const secret = randomBytes(32).toString("base64url");
  const authenticate = createAuthenticator({ key: { secret } });
  const server = await startServer(createApp({ tierlift, authenticate, logger }), 0);
  await tierlift.start();
  process.on("message", (order: ServiceOrder) => engine.tell(order.line));
  const roles = ["PLATFORM_ADMIN"];
  const token = await mintToken({ secret, subject: "bench", roles, lifetimeMs: TOKEN_LIFETIME_MS });
  process.send?.({ type: "listening", url: server.url, token } satisfies ServiceMessage);

  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    process.once("disconnect", resolve);
  });
  await server.close(0);
  await tierlift.stop();
  await store.close();
});

function createStillPorts(): Ports {
  return {
    checkServicePrincipal: ({ azureTenantId }) => Promise.resolve({ directoryId: azureTenantId }),
    resolveSecret: () => Promise.resolve(""),
    runData: () => Promise.resolve({}),
    runBlobs: () => Promise.resolve({}),
    resolveDns: () => Promise.resolve([]),
    takeInventory: () => Promise.resolve({ answers: [], kept: [] }),
    removeOrphans: () => Promise.resolve([]),
    digestSlice: () => Promise.reject(new Error("a bench never comes as far as its preview")),
    verify: () => Promise.reject(new Error("a bench never comes as far as its verification")),
    issueCertificate: () => Promise.resolve(undefined),
    clock: systemClock,
    newId: randomUUID,
  };
}
