export interface Revival {
  /** Settles, with how it ended, when the servers are no longer whole. */
  ended: Promise<string>;
  /** False when they were stopped on purpose, or others have taken their place. */
  isWanted: () => boolean;
  restart: () => Promise<unknown>;
  log: (message: string, error?: unknown) => void;
}

const windowMs = 10 * 60 * 1000;
const mostRestarts = 5;

/**
 * Brings servers back that end by themselves (killed for want of memory, or by somebody's hand). One instance for each:
 * it gives up, and says so, when they end too often, as they would go on to.
 */
export function createReviver(): (revival: Revival) => void {
  const restarts: number[] = [];
  return ({ ended, isWanted, restart, log }) => {
    void ended.then(async (how) => {
      if (!isWanted()) return;
      const since = Date.now() - windowMs;
      if (restarts.filter((at) => at > since).length >= mostRestarts) {
        log(`${how}; ended ${mostRestarts} times in ten minutes, not started again`);
        return;
      }
      restarts.push(Date.now());
      log(`${how}; starting again`);
      await restart().catch((error: unknown) => log("could not be started again", error));
    });
  };
}
