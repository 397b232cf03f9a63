import { fstatSync } from "node:fs";

const parentCheckMs = 1_000;

/**
 * Calls `end` once when the engine that started this process is gone: its end of standard input closes, or the
 * process gets another parent. Input that is no pipe (a plugin started by hand) says nothing about the engine.
 */
export function watchEngine(end: () => void): void {
  let ended = false;
  const once = () => {
    if (ended) return;
    ended = true;
    end();
  };
  if (isPipe(0)) {
    process.stdin.on("end", once).on("close", once).on("error", once);
    process.stdin.resume();
    process.stdin.unref?.();
  }
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) once();
  }, parentCheckMs).unref();
  process.on("SIGINT", once);
  process.on("SIGTERM", once);
  process.on("SIGHUP", once);
}

function isPipe(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
