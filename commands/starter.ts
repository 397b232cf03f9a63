/** How an installation that another command started stays with it, or is left running by it. */
import type { ServiceMessage } from "./installation.ts";

/** What an installation tells its starter. */
export type StarterMessage = ServiceMessage | { type: "log"; line: string } | { type: "ready" };

/** From the starter: it will go, and the installation is to stay. */
export interface KeepMessage {
  type: "keep";
}

/**
 * Calls `stop` when the process that started this one is gone, however it ended: the channel between them closes.
 * A process without such a channel runs on its own.
 */
export function exitWithParent(stop: () => void): void {
  if (process.connected) process.once("disconnect", stop);
}

/** Ends this process, as SIGTERM does, when its starter has gone without having said that it is to be kept. */
export function followStarter(): void {
  let kept = false;
  process.on("message", (message: KeepMessage) => (kept ||= message.type === "keep"));
  exitWithParent(() => {
    if (!kept) process.kill(process.pid, "SIGTERM");
  });
}

/** A starter that goes meanwhile hears nothing; without the callback that would be an error that ends this process. */
export function tellStarter(message: StarterMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
