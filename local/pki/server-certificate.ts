import path from "node:path";
import { writeSecretFile, writeWhole } from "../files.ts";
import type { Authority } from "./authority.ts";

/** Issues a certificate for a server of this machine and writes it and its key into the server's folder. */
export async function writeServerCertificate(
  authority: Authority,
  commonName: string,
  dir: string,
): Promise<{ certificateFile: string; keyFile: string }> {
  const certificateFile = path.join(dir, "server.pem");
  const keyFile = path.join(dir, "server-key.pem");
  const pair = await authority.issue({ commonName, hosts: ["127.0.0.1", "localhost"], usages: ["server"] });
  await Promise.all([
    writeWhole(certificateFile, pair.certificate, 0o644),
    writeSecretFile(keyFile, pair.key),
  ]);
  return { certificateFile, keyFile };
}
