/**
 * Calls `stop` when the process that started this one is gone, however it ended: the channel between them closes.
 * A process without such a channel runs on its own.
 */
export function exitWithParent(stop: () => void): void {
  if (process.connected) process.once("disconnect", stop);
}
