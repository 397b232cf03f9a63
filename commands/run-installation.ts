import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "./command-line.ts";
import { ensureHome, lockHome } from "./home.ts";
import { startInstallation, type Installation, type InstallationOptions } from "./installation.ts";
import { tellStarter } from "./starter.ts";

export interface RunOptions extends Pick<InstallationOptions, "settings" | "log" | "signal" | "entries"> {
  /** Brings the parts; called when the installation's lock is held. */
  setUp: () => Promise<InstallationOptions["parts"]>;
}

/**
 * Runs an installation until `signal` aborts. Rejects with a CommandError when another one runs on the same home, when
 * it cannot be started, or when one of its processes ends unasked; in every case nothing of it is left running.
 */
export async function runInstallation({ setUp, settings, log, signal, entries }: RunOptions): Promise<void> {
  const home = await ensureHome(settings.home);
  const lock = lockHome(home);
  let installation: Installation | undefined;
  try {
    const parts = await setUp();
    installation = await startInstallation({
      settings,
      home,
      parts,
      log,
      signal,
      ...(entries && { entries }),
    });
    tellStarter({ type: "listening", url: installation.api });
    await untilPlatformReady(installation, log, signal);
    log(
      `start: ready. Logs are in ${home.logs}, addresses in ${home.endpointsFile}. npm stop or Ctrl-C ends it.`,
    );
    tellStarter({ type: "ready" });
    const failure = await untilEnd(installation, signal);
    if (failure) throw new CommandError(failure);
    log("start: stopping");
  } finally {
    await installation?.stop();
    lock.release();
  }
}

/** The service makes or updates the platform's stack before it takes work. */
async function untilPlatformReady(
  installation: Installation,
  log: (line: string) => void,
  signal: AbortSignal,
) {
  const startedAt = performance.now();
  log("start: making the platform ready");
  const failure = installation.failed.then((sentence) => {
    throw new CommandError(sentence);
  });
  const ready = async () => {
    while (!(await isReady(installation.api, signal))) await delay(500, undefined, { signal });
  };
  await Promise.race([ready(), failure]);
  log(`start: platform ready in ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

async function isReady(api: string, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
  const answer = await fetch(`${api}/ready`, { signal: limit }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok ?? false;
}

/** Resolves with a sentence when a process ended unasked, with nothing when the end was asked for. */
function untilEnd(installation: Installation, signal: AbortSignal): Promise<string | undefined> {
  const asked = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  return Promise.race([installation.failed, asked]);
}
