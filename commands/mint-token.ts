import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";

export interface TokenRequest {
  /** HS256 secret. */
  secret: string;
  subject: string;
  roles: string[];
  /** The tenant that the subject belongs to. */
  tenantId?: string;
  issuer?: string;
  audience?: string;
  lifetimeMs: number;
  now?: Date;
}

/** A signed bearer token with the claims that the API reads. */
export function mintToken(request: TokenRequest): Promise<string> {
  const now = request.now ?? new Date();
  const { tenantId, roles } = request;
  const token = new SignJWT({ roles, ...(tenantId && { tenant_id: tenantId }) })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(request.subject)
    .setIssuer(request.issuer ?? "tierlift")
    .setAudience(request.audience ?? "tierlift")
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(new Date(now.getTime() + request.lifetimeMs));
  return token.sign(new TextEncoder().encode(request.secret));
}
