import { pino, type Logger } from "pino";

/** The service's log: JSON lines on standard output, from `LOG_LEVEL` on. */
export function createServiceLogger(): Logger {
  return pino({ base: null, level: process.env.LOG_LEVEL ?? "info" });
}
