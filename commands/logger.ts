import { pino, type Logger } from "pino";

/** A line waits so long for others to be written with: a write for each costs more than the line. */
const FLUSH_EVERY_MS = 100;
const FLUSH_FROM_CHARACTERS = 4096;

/**
 * The service's log: JSON lines on standard output, from `LOG_LEVEL` on. A process that ends, in order or by an error
 * of its own, writes what waits; one that is killed loses it.
 */
export function createServiceLogger(): Logger {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: FLUSH_FROM_CHARACTERS,
    periodicFlush: FLUSH_EVERY_MS,
  });
  return pino({ base: null, level: process.env.LOG_LEVEL ?? "info" }, destination);
}
