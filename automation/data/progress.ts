/** What every store's verbs tell of themselves while they work, and how long they have worked. */

/** Progress for the log, one line each. */
export type Progress = (event: {
  event: string;
  database?: string;
  table?: string;
  rows?: number;
  blobs?: number;
  keys?: number;
  failed?: number;
  problem?: string;
  records?: number;
  bytes?: number;
  seconds?: number;
}) => void;

/** Seconds since `startedMs`, with three decimals. */
export function secondsSince(startedMs: number): number {
  return Math.round(performance.now() - startedMs) / 1000;
}
