/** Reads that are under way at once against one API server. */
const PARALLEL_READS = 16;

/** The answers of many small reads, in the order of the questions. */
export async function eachOf<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  const waiting = items.map((item, index) => ({ item, index })).reverse();
  const reader = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      answers[next.index] = await read(next.item);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_READS }, reader));
  return answers;
}
