/** Of samples: pure. */

/** The middle one, or the mean of the two in the middle. Throws when there is none. */
export function medianOf(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error("a median of nothing");
  return (lower + upper) / 2;
}

/** The largest. Throws when there is none. */
export function peakOf(samples: readonly number[]): number {
  if (samples.length === 0) throw new Error("a peak of nothing");
  return Math.max(...samples);
}

/** To so many decimals: what lies below is noise. */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
