import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureAuthority, type Authority } from "../../../local/pki/authority.ts";

let dir: string;
let authority: Authority;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tierlift-pki-"));
  authority = await ensureAuthority(dir);
});

afterEach(() => rm(dir, { recursive: true, force: true }));

describe("local certificate authority", () => {
  it("keeps its key from other users, and its certificate open to them", async () => {
    const modes = await Promise.all(
      [authority.keyFile, authority.certificateFile].map(async (file) => (await stat(file)).mode & 0o777),
    );
    expect(modes).toEqual([0o600, 0o644]);
  });

  it("is the same one when it is asked for again", async () => {
    const again = await ensureAuthority(dir);
    expect(again.certificate).toBe(authority.certificate);
    const { certificate } = await again.issue({ commonName: "x", hosts: ["x.test"], usages: ["server"] });
    expect(
      new X509Certificate(certificate).verify(new X509Certificate(authority.certificate).publicKey),
    ).toBe(true);
  });

  it("is made anew when its key is gone", async () => {
    await rm(authority.keyFile);
    const made = await ensureAuthority(dir);
    expect(made.certificate).not.toBe(authority.certificate);
  });

  it("names hosts and addresses, groups and usages in what it issues", async () => {
    const { certificate } = await authority.issue({
      commonName: "someone",
      organization: ["system:masters", "ops"],
      hosts: ["localhost", "127.0.0.1", "::1"],
      usages: ["client"],
    });
    const leaf = new X509Certificate(certificate);
    expect(leaf.subject).toBe("CN=someone\nO=system:masters\nO=ops");
    expect(leaf.subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(leaf.ca).toBe(false);
  });

  it("issues certificates that a TLS client accepts, and one of another authority does not", async () => {
    const pair = await authority.issue({ commonName: "server", hosts: ["127.0.0.1"], usages: ["server"] });
    const server = createServer({ cert: pair.certificate, key: pair.key }, (_, answer) =>
      answer.end("hello"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const get = (ca: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ host: "127.0.0.1", port, ca, agent: false }, (answer) =>
          resolve(answer.resume().statusCode),
        )
          .on("error", reject)
          .end();
      });
    const other = await ensureAuthority(path.join(dir, "other"));
    try {
      expect(await get(authority.certificate)).toBe(200);
      await expect(get(other.certificate)).rejects.toThrow(/unable to (verify|get)|self.signed/);
    } finally {
      server.close();
    }
  });
});
