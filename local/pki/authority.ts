import "reflect-metadata"; // @peculiar/x509 needs it loaded first
import * as x509 from "@peculiar/x509";
import { randomBytes, webcrypto } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import path from "node:path";
import { writeSecretFile, writeWhole } from "../files.ts";

/** A certificate with its private key, both PEM (PKCS #8 for the key). */
export interface KeyPair {
  certificate: string;
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  /** `O=`: the groups of a Kubernetes client certificate. */
  organization?: string | readonly string[];
  /** DNS names and IP addresses the certificate speaks for. */
  hosts: readonly string[];
  usages: readonly ("server" | "client")[];
}

/** A certificate authority of the local cloud's own. Nothing outside this machine ever trusts it. */
export interface Authority {
  readonly certificate: string;
  /** `ca.pem`, for clients. */
  readonly certificateFile: string;
  /** The authority's own key, for servers that issue certificates themselves. */
  readonly keyFile: string;
  issue(request: CertificateRequest): Promise<KeyPair>;
}

const curve: webcrypto.EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" };
const signing: webcrypto.EcdsaParams = { name: "ECDSA", hash: "SHA-256" };
const dayMs = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
/** Below the 825 days above which some clients refuse a server's certificate. */
const leafDays = 820;

x509.cryptoProvider.set(webcrypto);

/**
 * The authority kept in a folder, made there when it is missing (`ca.pem`, and `ca-key.pem` readable by its owner
 * only). Two callers of one folder at the same moment are the caller's to prevent.
 */
export async function ensureAuthority(dir: string, commonName = "Tierlift local cloud"): Promise<Authority> {
  const certificateFile = path.join(dir, "ca.pem");
  const keyFile = path.join(dir, "ca-key.pem");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const stored = await readStored(certificateFile, keyFile);
  const pair = stored ?? (await createAuthority(commonName));
  if (!stored) {
    // The key first: a certificate without its key would be taken for a whole authority by its readers.
    await writeSecretFile(keyFile, pair.key);
    await writeWhole(certificateFile, pair.certificate, 0o644);
  }
  const certificate = new x509.X509Certificate(pair.certificate);
  const key = await webcrypto.subtle.importKey("pkcs8", pemBytes(pair.key), curve, false, ["sign"]);
  return {
    certificate: pair.certificate,
    certificateFile,
    keyFile,
    issue: (request) => issue(certificate, key, request),
  };
}

async function readStored(certificateFile: string, keyFile: string): Promise<KeyPair | undefined> {
  try {
    const certificate = await readFile(certificateFile, "utf8");
    const expired = new x509.X509Certificate(certificate).notAfter.getTime() < Date.now() + leafDays * dayMs;
    return expired ? undefined : { certificate, key: await readFile(keyFile, "utf8") };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(
      `The local certificate authority in ${path.dirname(keyFile)} cannot be read; remove it to have a new one made.`,
      { cause: error },
    );
  }
}

async function createAuthority(commonName: string): Promise<KeyPair> {
  const keys = await createKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A serial of its own in the name: clients that have trusted an earlier authority must not mix the two up.
    name: [{ CN: [`${commonName} ${randomBytes(4).toString("hex")}`] }],
    serialNumber: serialNumber(),
    ...validity(authorityDays),
    keys,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await keyPem(keys.privateKey) };
}

async function issue(
  authority: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  request: CertificateRequest,
): Promise<KeyPair> {
  const keys = await createKeys();
  const organizations = [request.organization ?? []].flat();
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(
      request.usages.map((usage) => x509.ExtendedKeyUsage[usage === "server" ? "serverAuth" : "clientAuth"]),
    ),
    await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
  ];
  if (request.hosts.length > 0) {
    extensions.push(
      new x509.SubjectAlternativeNameExtension(
        request.hosts.map((host) => ({ type: isIP(host) ? ("ip" as const) : ("dns" as const), value: host })),
      ),
    );
  }
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [request.commonName] }, ...organizations.map((name) => ({ O: [name] }))],
    issuer: authority.subjectName,
    serialNumber: serialNumber(),
    ...validity(leafDays),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: signing,
    extensions,
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await keyPem(keys.privateKey) };
}

async function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(curve, true, ["sign", "verify"]);
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey("pkcs8", key);
  return `${x509.PemConverter.encode(bytes, "PRIVATE KEY")}\n`;
}

function pemBytes(pem: string): ArrayBuffer {
  const first = x509.PemConverter.decodeFirst(pem);
  return first;
}

/** Positive and at most 20 bytes, RFC 5280 section 4.1.2.2. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}

/** An hour back, so that a client whose clock is a little late accepts the certificate. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 60 * 60 * 1000), notAfter: new Date(now + days * dayMs) };
}
