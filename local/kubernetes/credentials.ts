import { generateKeyPair, X509Certificate } from "node:crypto";
import { access, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { writeSecretFile } from "../files.ts";
import { ensureAuthority, type Authority, type CertificateRequest, type KeyPair } from "../pki/authority.ts";
import {
  frontProxyName,
  issuerUrl,
  serverUrl,
  serviceAddress,
  type ClusterFiles,
  type ClusterPorts,
  type ClusterUser,
} from "./flags.ts";
import { createKubeconfig } from "./kubeconfig.ts";

/** Who signs in with a client certificate, and as what: common name and groups. */
const users = {
  admin: { commonName: "masterclient", organization: "system:masters" },
  "controller-manager": { commonName: "system:kube-controller-manager" },
  scheduler: { commonName: "system:kube-scheduler" },
  kwok: { commonName: "kwok", organization: "system:masters" },
  cloud: { commonName: "tierlift:cloud", organization: "system:masters" },
} satisfies Record<ClusterUser, { commonName: string; organization?: string }>;

export interface ClusterCredentials {
  files: ClusterFiles;
  /** PEM. */
  ca: string;
  /** The local cloud's own way in. */
  cloud: KeyPair;
  /** The API server's certificate. */
  serving: KeyPair;
  /** What the API server believes the door by. */
  frontProxy: KeyPair;
}

export function clusterFiles(dir: string): ClusterFiles {
  const pki = path.join(dir, "pki");
  return {
    dir,
    etcdData: path.join(dir, "etcd"),
    etcdCa: path.join(pki, "etcd", "ca.pem"),
    etcdCertificate: path.join(pki, "etcd", "etcd.pem"),
    etcdKey: path.join(pki, "etcd", "etcd-key.pem"),
    ca: path.join(pki, "ca.pem"),
    caKey: path.join(pki, "ca-key.pem"),
    serverCertificate: path.join(pki, "apiserver.pem"),
    serverKey: path.join(pki, "apiserver-key.pem"),
    frontProxyCa: path.join(pki, "front-proxy", "ca.pem"),
    frontProxyCertificate: path.join(pki, "front-proxy", "client.pem"),
    frontProxyKey: path.join(pki, "front-proxy", "client-key.pem"),
    serviceAccountKey: path.join(pki, "service-accounts-key.pem"),
    kubeconfig: (user) => path.join(dir, user === "admin" ? "kubeconfig" : `${user}.kubeconfig`),
  };
}

/**
 * Certificates, keys and kubeconfigs of a cluster: an authority for it, another for its etcd (who may call the API may
 * not open the store behind it), one for its front proxy (who may speak for others), and a key for the tokens of service
 * accounts. What is there already is kept; kubeconfigs are written anew, as the port may have changed.
 */
export async function ensureCredentials(
  dir: string,
  name: string,
  ports: ClusterPorts,
): Promise<ClusterCredentials> {
  const files = clusterFiles(dir);
  await mkdir(path.dirname(files.etcdCa), { recursive: true, mode: 0o700 });
  const [authority, etcd, proxy] = await Promise.all([
    ensureAuthority(path.dirname(files.ca), "Tierlift local cluster"),
    ensureAuthority(path.dirname(files.etcdCa), "Tierlift local etcd"),
    ensureAuthority(path.dirname(files.frontProxyCa), "Tierlift local front proxy"),
  ]);
  const hosts = ["127.0.0.1", serviceAddress, "localhost", ...serviceNames()];
  const [admin, manager, scheduler, kwok, cloud, serving, frontProxy] = await Promise.all([
    ensureUser(authority, files, "admin"),
    ensureUser(authority, files, "controller-manager"),
    ensureUser(authority, files, "scheduler"),
    ensureUser(authority, files, "kwok"),
    ensureUser(authority, files, "cloud"),
    ensurePair(authority, files.serverCertificate, files.serverKey, {
      commonName: "kube-apiserver",
      hosts,
      usages: ["server"],
    }),
    ensurePair(proxy, files.frontProxyCertificate, files.frontProxyKey, {
      commonName: frontProxyName,
      hosts: [],
      usages: ["client"],
    }),
    ensurePair(etcd, files.etcdCertificate, files.etcdKey, {
      commonName: "etcd",
      hosts: ["127.0.0.1"],
      usages: ["server", "client"],
    }),
    ensureTokenKey(files.serviceAccountKey),
  ]);
  const pairs = { admin, "controller-manager": manager, scheduler, kwok };
  await Promise.all(
    Object.entries(pairs).map(([user, pair]) =>
      writeSecretFile(
        files.kubeconfig(user as ClusterUser),
        createKubeconfig({
          cluster: name,
          user: `${user}_${name}`,
          // Plans are about the clients of a cluster, not about its own parts.
          server: user === "admin" ? issuerUrl(ports) : serverUrl(ports),
          ca: authority.certificate,
          ...pair,
        }),
      ),
    ),
  );
  return { files, ca: authority.certificate, cloud, serving, frontProxy };
}

function serviceNames(): string[] {
  const parts = ["kubernetes", "default", "svc", "cluster", "local"];
  return [1, 2, 3, 5].map((length) => parts.slice(0, length).join("."));
}

async function ensureUser(authority: Authority, files: ClusterFiles, user: ClusterUser): Promise<KeyPair> {
  const base = path.join(path.dirname(files.ca), user);
  return ensurePair(authority, `${base}.pem`, `${base}-key.pem`, {
    ...users[user],
    hosts: [],
    usages: ["client"],
  });
}

async function ensurePair(
  authority: Authority,
  certificateFile: string,
  keyFile: string,
  wanted: CertificateRequest,
): Promise<KeyPair> {
  const stored = await readPair(certificateFile, keyFile);
  if (stored && isUsable(stored.certificate, authority.certificate)) return stored;
  const pair = await authority.issue(wanted);
  await Promise.all([writeSecretFile(certificateFile, pair.certificate), writeSecretFile(keyFile, pair.key)]);
  return pair;
}

async function readPair(certificateFile: string, keyFile: string): Promise<KeyPair | undefined> {
  try {
    const [certificate, key] = await Promise.all([
      readFile(certificateFile, "utf8"),
      readFile(keyFile, "utf8"),
    ]);
    return { certificate, key };
  } catch {
    return undefined; // made anew
  }
}

/** Signed by this authority, and good for a month more. */
function isUsable(certificate: string, ca: string): boolean {
  const leaf = new X509Certificate(certificate);
  const monthMs = 30 * 24 * 60 * 60 * 1000;
  return leaf.verify(new X509Certificate(ca).publicKey) && Date.parse(leaf.validTo) > Date.now() + monthMs;
}

/** One key for signing and checking: the API server accepts the private key where it wants the public one. */
async function ensureTokenKey(file: string): Promise<void> {
  if (
    await access(file).then(
      () => true,
      () => false,
    )
  )
    return;
  const { privateKey } = await promisify(generateKeyPair)("ec", {
    namedCurve: "P-256",
    // The older form: the API server finds the public key in it, in PKCS #8 it does not.
    privateKeyEncoding: { type: "sec1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writeSecretFile(file, privateKey);
}
