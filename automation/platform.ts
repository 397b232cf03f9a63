/** The platform's own stack: brought up to date when the service starts, before any tenant's work. */
import type { StackEngine } from "./engine/engine.ts";
import { withDeadline } from "./deadline.ts";
import type { Logger } from "./logger.ts";
import { assertAllowed } from "./migration/allowed.ts";
import type { Clock } from "./ports.ts";
import { PLATFORM_STACK, platformRequest } from "./requests.ts";
import type { TierliftSettings } from "./settings.ts";

export interface Platform {
  /** Resolves once the stack stands; does not reject, it is tried until it does or the service stops. */
  readonly ready: Promise<void>;
  isReady(): boolean;
  /** Why it is not ready, from its last try. */
  problem(): string | null;
  start(): void;
  stop(): Promise<void>;
}

/** Wait after the last of the given delays, again and again: without a platform there is nothing else to do. */
const LONG_DELAY_MS = 30_000;

export function createPlatform(options: {
  engine: StackEngine;
  settings: TierliftSettings;
  clock: Clock;
  logger: Logger;
}): Platform {
  const { engine, settings, clock, logger } = options;
  const stopping = new AbortController();
  let isReady = false;
  let problem: string | null = null;
  let running: Promise<void> = Promise.resolve();
  let resolveReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (resolveReady = resolve));

  async function bringUp(signal: AbortSignal): Promise<void> {
    const timeoutMs = settings.phaseTimeoutMs.PROVISIONING_INFRASTRUCTURE ?? settings.phaseTimeoutMs.default;
    const request = platformRequest(settings);
    await withDeadline({ what: "the platform's update", timeoutMs, signal }, async (deadline) => {
      const operation = {
        signal: deadline,
        timeoutMs,
        onProgress: (event: object) => logger.info({ stack: PLATFORM_STACK, ...event }, "platform"),
      };
      await engine.recover(PLATFORM_STACK, request, operation);
      await engine.update(request, {
        ...operation,
        approve: (changes) => assertAllowed("platform", changes),
      });
    });
  }

  async function keepTrying(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; attempt += 1) {
      try {
        await bringUp(stopping.signal);
        problem = null;
        isReady = true;
        return resolveReady();
      } catch (error) {
        if (stopping.signal.aborted) return;
        problem = error instanceof Error ? error.message : String(error);
        logger.error(
          { err: error },
          "the platform's stack could not be brought up to date; it is tried again",
        );
        await clock
          .sleep(settings.retryDelaysMs[attempt] ?? LONG_DELAY_MS, stopping.signal)
          .catch(() => undefined);
      }
    }
  }

  return {
    ready,
    isReady: () => isReady,
    problem: () => problem,
    start() {
      running = keepTrying();
    },
    async stop() {
      stopping.abort(new Error("the service stops"));
      await running;
    },
  };
}
