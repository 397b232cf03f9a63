/** Runs work under one key one after the other; work under other keys is not held up. */
export function createSerial(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>();
  return <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const turn = (tails.get(key) ?? Promise.resolve()).then(work, work);
    const settled: Promise<unknown> = turn
      .then(nothing, nothing)
      .then(() => tails.get(key) === settled && tails.delete(key));
    tails.set(key, settled);
    return turn;
  };
}

const nothing = (): void => undefined;

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
