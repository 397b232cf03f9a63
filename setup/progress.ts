/** Takes one line at a time, without a line end. */
export type Log = (line: string) => void;

export interface ProgressOptions {
  log: Log;
  /** Between two signs of life while a step runs. */
  everyMs?: number;
}

/** Runs one step of the set-up: says that it starts, that it still runs, and how long it took. */
export async function step<T>(what: string, work: () => Promise<T>, options: ProgressOptions): Promise<T> {
  const { log, everyMs = 15_000 } = options;
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1000);
  log(`set-up: ${what}`);
  const ticker = setInterval(() => log(`set-up: ${what}, ${seconds()} s so far`), everyMs);
  try {
    const result = await work();
    log(`set-up: ${what}: done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(ticker);
  }
}
