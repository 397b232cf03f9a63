/** Access tokens: RS256, signed with a key of the local cloud's own, and the operator's long-lived one. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT, errors, exportJWK, generateKeyPair, importJWK, jwtVerify } from "jose";
import type { CryptoKey, JWK } from "jose";
import { readJsonFile, writeFileDurably } from "../durable.ts";
import { ArmError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import type { DirectoryPrincipal } from "./directory.ts";

/** Seconds a token lives, as Microsoft's do. */
export const tokenLifetimeSeconds = 3599;

/** In the tokens' folder: the same keys as `/discovery/v2.0/keys` answers. */
export const PUBLIC_KEYS_FILE = "public-keys.json";

export interface Tokens {
  /** Public keys, for `/discovery/v2.0/keys`. */
  readonly publicKeys: JWK[];
  readonly operatorTokenFile: string;
  issue(principal: DirectoryPrincipal, audience: string, issuer: string): Promise<string>;
  /** Reads an `Authorization` header. Throws 401 as ARM does. */
  verify(authorization: string | undefined): Promise<Caller>;
}

/** Keys and the operator's token kept in a folder, made when missing. */
export async function createTokens(folder: string): Promise<Tokens> {
  const keyFile = join(folder, "signing-key.json");
  const stored = readJsonFile<JWK>(keyFile) ?? (await createKey(keyFile));
  const key = (await importJWK(stored, "RS256")) as CryptoKey;
  const publicKey: JWK = {
    kty: "RSA",
    use: "sig",
    alg: "RS256",
    kid: stored.kid ?? "",
    n: stored.n ?? "",
    e: stored.e ?? "",
  };
  // For servers that read keys from a file.
  writeFileDurably(join(folder, PUBLIC_KEYS_FILE), JSON.stringify({ keys: [publicKey] }));
  const verifier = (await importJWK(publicKey, "RS256")) as CryptoKey;
  const operatorTokenFile = join(folder, "operator-token");
  const operatorToken = readOrCreateToken(operatorTokenFile);
  return {
    publicKeys: [publicKey],
    operatorTokenFile,
    issue: (principal, audience, issuer) => issue(key, stored.kid ?? "", principal, audience, issuer),
    verify: async (authorization) => {
      const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? "")?.[1];
      if (token === undefined)
        throw unauthenticated(
          "AuthenticationFailed",
          "Authentication failed. The 'Authorization' header is missing.",
        );
      if (isSame(token, operatorToken)) return operator;
      return verifyToken(verifier, token);
    },
  };
}

const operator: Caller = {
  kind: "operator",
  objectId: "operator",
  clientId: "operator",
  tenantId: "",
  audience: "*",
};

async function createKey(file: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: randomBytes(12).toString("base64url"), alg: "RS256" };
  writeFileDurably(file, JSON.stringify(key));
  return key;
}

function readOrCreateToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const token = randomBytes(32).toString("base64url");
  writeFileDurably(file, `${token}\n`);
  return token;
}

/** Compares in constant time; hashed first, since the lengths may differ. */
export function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

async function issue(
  key: CryptoKey,
  kid: string,
  principal: DirectoryPrincipal,
  audience: string,
  issuer: string,
): Promise<string> {
  return new SignJWT({
    appid: principal.clientId,
    azp: principal.clientId,
    idtyp: "app",
    oid: principal.objectId,
    tid: principal.tenantId,
    ver: "1.0",
  })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid })
    .setIssuer(issuer)
    .setSubject(principal.objectId)
    .setAudience(audience)
    .setIssuedAt()
    .setNotBefore("0s")
    .setExpirationTime(`${tokenLifetimeSeconds}s`)
    .sign(key);
}

async function verifyToken(key: CryptoKey, token: string): Promise<Caller> {
  try {
    const { payload } = await jwtVerify(token, key, { algorithms: ["RS256"], clockTolerance: 5 });
    const claim = (name: string): string => {
      const value = payload[name];
      return typeof value === "string" ? value : "";
    };
    return {
      kind: "principal",
      objectId: claim("oid"),
      clientId: claim("appid"),
      tenantId: claim("tid"),
      audience: [payload.aud].flat().at(0) ?? "",
    };
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw unauthenticated(
        "ExpiredAuthenticationToken",
        "The access token expiry UTC time is earlier than the current UTC time.",
      );
    }
    throw unauthenticated("InvalidAuthenticationToken", "The access token is invalid.");
  }
}

/** A 401; the router adds the `WWW-Authenticate` header, which names the token endpoint. */
export const unauthenticated = (code: string, message: string): ArmError => new ArmError(401, code, message);
