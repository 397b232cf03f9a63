/** How an installation that another command started stays with it, or is left running by it. */
import { exitWithParent } from "../local/exit-with-parent.ts";
import type { ServiceMessage } from "./installation.ts";

/** What an installation tells its starter. */
export type StarterMessage = ServiceMessage | { type: "log"; line: string } | { type: "ready" };

/** From the starter: it will go, and the installation is to stay. */
export interface KeepMessage {
  type: "keep";
}

/** Ends this process, as SIGTERM does, when its starter has gone without having said that it is to be kept. */
export function followStarter(): void {
  let kept = false;
  process.on("message", (message: KeepMessage) => (kept ||= message.type === "keep"));
  exitWithParent(() => {
    if (!kept) process.kill(process.pid, "SIGTERM");
  });
}

export function tellStarter(message: StarterMessage): void {
  if (process.connected) process.send?.(message);
}
