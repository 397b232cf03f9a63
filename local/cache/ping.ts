/** The one request that the local cloud itself makes to a Redis server. */
import tls from "node:tls";

export interface PingOptions {
  port: number;
  user: string;
  password: string;
  /** PEM of the authority that signs the server's certificate. */
  ca: string;
}

const timeoutMs = 5_000;

/** Whether the server answers, with all its keys loaded. Rejects when it cannot be reached. */
export function ping({ port, user, password, ca }: PingOptions): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port, ca, timeout: timeoutMs }, () =>
      socket.write(`AUTH ${user} ${password}\r\nPING\r\n`),
    );
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
      if (answer.split("\r\n").length <= 2) return;
      socket.destroy();
      resolve(answer === "+OK\r\n+PONG\r\n");
    });
    socket.on("timeout", () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed the connection")));
  });
}
