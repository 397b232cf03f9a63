/** The app on a socket: loopback unless told otherwise, ended without cutting answers short. */
import { serve } from "@hono/node-server";
import type { ServerType } from "@hono/node-server";
import type { AddressInfo } from "node:net";

const LOOK_EVERY_MS = 50;

export interface Served {
  /** A method, so that apps with bindings of Node.js's own fit. */
  fetch(request: Request, bindings?: unknown): Response | Promise<Response>;
}

export interface RunningServer {
  url: string;
  /** Takes no more requests, waits `graceMs` for those under way, then closes what is open (streams). */
  close(graceMs?: number): Promise<void>;
}

/** Listens on 127.0.0.1; port 0 takes a free one. Rejects when the port is taken. */
export function startServer(app: Served, port: number): Promise<RunningServer> {
  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: (...asked) => app.fetch(...asked), hostname: "127.0.0.1", port },
      ({ port: actual }: AddressInfo) =>
        resolve({ url: `http://127.0.0.1:${actual}`, close: (graceMs = 5_000) => close(server, graceMs) }),
    );
    server.once("error", reject);
  });
}

function close(server: ServerType, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const bound = setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), graceMs);
    // A connection whose answer has ended stays open for another request, which will not be taken.
    const closeIdle = () => "closeIdleConnections" in server && server.closeIdleConnections();
    const looking = setInterval(closeIdle, LOOK_EVERY_MS);
    server.close(() => {
      clearTimeout(bound);
      clearInterval(looking);
      resolve();
    });
    closeIdle();
  });
}
