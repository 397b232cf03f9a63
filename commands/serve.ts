/** The service: composition root of API and automation. Started by `npm start` behind the local cloud, or alone. */
import path from "node:path";
import { createApp } from "../api/app.ts";
import { createAuthenticator } from "../api/auth.ts";
import type { TokenSettings as KeySettings } from "../api/auth.ts";
import { startServer } from "../api/server.ts";
import { openFileStore } from "../automation/store/file-store.ts";
import { createTierlift } from "../automation/tierlift.ts";
import { ensureEngineOnly } from "../setup/parts.ts";
import { composeAutomation } from "./compose.ts";
import { CommandError, runCommandLine } from "./command-line.ts";
import { ensureHome, ensureJwtSecret } from "./home.ts";
import type { Home } from "./home.ts";
import { createServiceLogger } from "./logger.ts";
import { parseSettings } from "./settings.ts";
import type { TokenSettings } from "./settings.ts";
import { openTarget } from "./targets/open.ts";

const CHECKOUT = path.resolve(import.meta.dirname, "..");

await runCommandLine(async ({ log, signal }) => {
  const settings = parseSettings(process.env, CHECKOUT);
  const home = await ensureHome(settings.home);
  const logger = createServiceLogger();
  const store = await openFileStore(home.data, {
    onCut: (cut) => logger.warn({ cut }, "a log's last line was cut by a crash"),
  });
  // The supervisor has brought both already.
  const bundles = process.env.TIERLIFT_BUNDLES;
  const engineRoot = process.env.TIERLIFT_ENGINE_ROOT ?? (await ensureEngineOnly({ log, signal })).root;
  const target = await openTarget(settings, home);
  const { engine, ports, tierliftSettings } = await composeAutomation({
    settings,
    home,
    target,
    engineRoot,
    ...(bundles && { bundles }),
    logger,
  });
  const tierlift = createTierlift({ store, engine, ports, settings: tierliftSettings, logger });
  const authenticate = createAuthenticator(await keyOf(settings.tokens, home));
  const closing = new AbortController();
  const app = createApp({ tierlift, authenticate, logger, closing: closing.signal });
  const server = await startServer(app, settings.port).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? portTaken(settings.port) : error;
  });
  await tierlift.start();
  logger.info({ url: server.url }, "listening");
  process.send?.({ type: "listening", url: server.url });

  await stopAsked(signal);
  logger.info({}, "stopping");
  closing.abort();
  await server.close();
  await tierlift.stop();
  await engine.close();
  await store.close();
});

/** Hoisted: the commands above run before this line is reached. */
function portTaken(port: number): CommandError {
  return new CommandError(
    `Port ${port} is taken by another program. Set PORT to another one, or to 0 for a free one.`,
  );
}

async function keyOf({ key, issuer, audience }: TokenSettings, home: Home): Promise<KeySettings> {
  const checked = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  switch (key.from) {
    case "jwks":
      return { key: { jwksUrl: key.url }, ...checked };
    case "secret":
      return { key: { secret: key.secret }, ...checked };
    case "home":
      return { key: { secret: await ensureJwtSecret(home) }, ...checked };
  }
}

/** A signal, or the end of the supervisor that started this process. */
function stopAsked(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    process.once("disconnect", resolve);
  });
}
