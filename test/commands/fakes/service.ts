/** A service that only listens and is ready. Writes what happens to it into FAKE_JOURNAL. */
import { appendFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { exitWithParent } from "../../../commands/starter.ts";

const journal = (line: string) => appendFileSync(process.env.FAKE_JOURNAL!, `${line}\n`);
journal(`service ${process.pid} started`);
journal(`service trusts ${process.env.NODE_EXTRA_CA_CERTS}`);
if (process.env.FAKE_SERVICE === "breaks") {
  console.error("the service found no data");
  process.exit(4);
}
const stop = () => {
  journal(`service ${process.pid} stopped`);
  process.exit(0);
};
process.on("SIGTERM", stop);
exitWithParent(stop);
const server = http.createServer((_request, response) => response.end("{}"));
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ type: "listening", url: `http://127.0.0.1:${port}` });
});
