/** Connections passed on byte for byte: nothing is read, so nothing is slower than the copying. */
import { connect, type Socket } from "node:net";

export interface Passages {
  /** Joins the client to the server behind. */
  open(client: Socket): void;
  /**
   * Cuts all that are open, each once the answer it waits for has come. A connection that has been silent, or busy for
   * longer than a client's request takes, is cut as it is; clients open another one.
   */
  cut(): Promise<void>;
  close(): void;
}

interface Passage {
  client: Socket;
  server: Socket;
  /** Bytes from the client were the last ones: it waits for an answer. */
  isWaiting: boolean;
}

/** An answer is whole when nothing has followed for that long. */
const quietMs = 50;
const longestAnswerMs = 2_000;

export function createPassages(port: number): Passages {
  const open = new Set<Passage>();
  const end = (passage: Passage): void => {
    open.delete(passage);
    passage.client.destroy();
    passage.server.destroy();
  };
  return {
    open(client) {
      const server = connect({ port, host: "127.0.0.1" });
      const passage: Passage = { client, server, isWaiting: false };
      open.add(passage);
      for (const socket of [client, server]) {
        socket.setNoDelay(true);
        // Either end's loss is the other's: the reason is theirs to tell.
        socket.once("error", () => end(passage));
        socket.once("close", () => end(passage));
      }
      client.on("data", () => (passage.isWaiting = true));
      server.on("data", () => (passage.isWaiting = false));
      client.pipe(server);
      server.pipe(client);
    },
    cut: async () => {
      await Promise.all([...open].map((passage) => untilAnswered(passage).then(() => end(passage))));
    },
    close: () => {
      for (const passage of open) end(passage);
    },
  };
}

function untilAnswered(passage: Passage): Promise<void> {
  const { server, client, isWaiting } = passage;
  if (!isWaiting) return Promise.resolve();
  return new Promise((resolve) => {
    let quiet: NodeJS.Timeout | undefined;
    const longest = setTimeout(done, longestAnswerMs);
    function done(): void {
      clearTimeout(quiet);
      clearTimeout(longest);
      server.off("data", answered).off("close", done);
      client.off("close", done);
      resolve();
    }
    function answered(): void {
      clearTimeout(quiet);
      quiet = setTimeout(done, quietMs);
    }
    server.on("data", answered).once("close", done);
    client.once("close", done);
  });
}
