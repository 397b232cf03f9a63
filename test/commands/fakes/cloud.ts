/** A local cloud that only says that it is there. Writes what happens to it into FAKE_JOURNAL. */
import { appendFileSync, mkdirSync } from "node:fs";
import https from "node:https";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { CloudConnection } from "../../../local/connection.ts";
import { exitWithParent } from "../../../commands/starter.ts";
import { writeSecretFile } from "../../../local/files.ts";
import { ensureAuthority } from "../../../local/pki/authority.ts";

const journal = (line: string) => appendFileSync(process.env.FAKE_JOURNAL!, `${line}\n`);
const folder = path.join(process.env.TIERLIFT_HOME!, "cloud");

journal(`cloud ${process.pid} started`);
if (process.env.FAKE_CLOUD === "breaks") {
  console.error("the cloud found no parts");
  process.exit(3);
}
const stop = () => {
  if (process.env.FAKE_CLOUD === "hangs") return;
  journal(`cloud ${process.pid} stopped`);
  process.exit(0);
};
process.on("SIGTERM", stop);
exitWithParent(stop);

mkdirSync(folder, { recursive: true });
const authority = await ensureAuthority(path.join(folder, "pki"));
const { certificate, key } = await authority.issue({
  commonName: "fake",
  hosts: ["127.0.0.1"],
  usages: ["server"],
});
const server = https.createServer({ cert: certificate, key }, (_request, response) => response.end("{}"));
server.listen(0, "127.0.0.1", () => void connect());

const connect = async () => {
  const { port } = server.address() as AddressInfo;
  const base: CloudConnection = {
    pid: process.pid,
    armUrl: `https://127.0.0.1:${port}`,
    metadataHost: `127.0.0.1:${port}`,
    caFile: authority.certificateFile,
    operatorTokenFile: path.join(folder, "operator-token"),
    dns: { host: "127.0.0.1", port: 5353 },
    platform: { clientId: "p", clientSecretFile: "secret", azureTenantId: "t", subscriptionId: "s" },
    platformVaultUrl: `https://127.0.0.1:${port}/vaults/platform`,
    credentials: { clientId: "c", clientSecretRef: "ref", azureTenantId: "t", subscriptionId: "s2" },
    clusters: [],
    postgres: [],
    blobs: [],
  };
  const write = (connection: CloudConnection) =>
    writeSecretFile(path.join(folder, "connection.json"), JSON.stringify(connection));
  await write(base);
  // A cluster that comes later.
  process.on(
    "SIGUSR2",
    () => void write({ ...base, clusters: [{ name: "shared", resourceId: "/id", kubeconfig: "k" }] }),
  );
};
