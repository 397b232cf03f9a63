/** The part of Microsoft's identity platform that a client credentials login needs. */
import type { ArmAnswer } from "../http.ts";
import type { Directory, DirectoryPrincipal } from "./directory.ts";
import type { Tokens } from "./tokens.ts";
import { isSame, tokenLifetimeSeconds } from "./tokens.ts";
import { randomUUID } from "node:crypto";

/** Names under which Azure's resource manager is asked for; our own origin is another. */
export const armAudiences = ["https://management.azure.com", "https://management.core.windows.net"];
export const vaultAudience = "https://vault.azure.net";
export const storageAudience = "https://storage.azure.com";
/** An Event Hubs namespace is an audience of its own. */
const eventHubsAudience = /^https:\/\/[a-z0-9-]+\.servicebus\.windows\.net$/i;

export interface OAuthRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | undefined>>;
  text: string;
  origin: string;
}

/** Answers a request to the identity platform, or `undefined` when the path is none of its. */
export async function answerOAuth(
  request: OAuthRequest,
  directory: Directory,
  tokens: Tokens,
): Promise<ArmAnswer | undefined> {
  const [tenant = "", ...rest] = request.path.split("/").filter(Boolean);
  const below = rest.join("/");
  if (below === "discovery/instance") return { status: 200, body: instanceMetadata(request.origin) };
  if (below === "discovery/v2.0/keys" || below === "discovery/keys") {
    return { status: 200, body: { keys: tokens.publicKeys } };
  }
  if (below === "v2.0/.well-known/openid-configuration" || below === ".well-known/openid-configuration") {
    if (!isTenant(directory, tenant)) return oauthError(400, "invalid_tenant", 90002, tenantMissing(tenant));
    return { status: 200, body: openIdConfiguration(request.origin, tenant) };
  }
  if (below !== "oauth2/v2.0/token" && below !== "oauth2/token") return undefined;
  if (request.method !== "POST")
    return oauthError(405, "invalid_request", 900561, "The endpoint only accepts POST requests.");
  return issueToken(request, tenant, directory, tokens);
}

const isTenant = (directory: Directory, tenant: string): boolean =>
  ["common", "organizations"].includes(tenant) || directory.hasTenant(tenant);

async function issueToken(
  request: OAuthRequest,
  tenant: string,
  directory: Directory,
  tokens: Tokens,
): Promise<ArmAnswer> {
  const form = new URLSearchParams(request.text);
  const basic = basicCredentials(request.headers["authorization"]);
  const clientId = form.get("client_id") ?? basic?.id ?? "";
  const secret = form.get("client_secret") ?? basic?.secret ?? "";
  if (!directory.hasTenant(tenant)) return oauthError(400, "invalid_request", 90002, tenantMissing(tenant));
  if (form.get("grant_type") !== "client_credentials") {
    return oauthError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
  }
  const principal = directory.application(tenant, clientId);
  if (principal === undefined) {
    const text = `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`;
    return oauthError(400, "unauthorized_client", 700016, text);
  }
  const refusal = refuseSecret(principal, secret);
  if (refusal !== undefined) return refusal;
  const scope = form.get("scope") ?? `${form.get("resource") ?? ""}/.default`;
  const audience = scope
    .split(" ")
    .find((one) => one.endsWith("/.default"))
    ?.replace(/\/+\.default$/, "");
  const known = [...armAudiences, vaultAudience, storageAudience, request.origin];
  const isKnown = known.includes(audience ?? "") || eventHubsAudience.test(audience ?? "");
  if (audience === undefined || !isKnown) {
    const text = `The resource principal named ${audience ?? scope} was not found in the tenant named ${tenant}.`;
    return oauthError(400, "invalid_resource", 500011, text);
  }
  const token = await tokens.issue(principal, audience, issuerOf(request, principal, audience));
  const lifetime = { expires_in: tokenLifetimeSeconds, ext_expires_in: tokenLifetimeSeconds };
  return { status: 200, headers: noStore, body: { token_type: "Bearer", ...lifetime, access_token: token } };
}

/** Tokens of version 1 have Microsoft's own issuer in every cloud. */
export const planIssuer = (tenantId: string): string => `https://sts.windows.net/${tenantId}/`;

/** Storage and Event Hubs ask for tokens of version 1, and their servers look at the issuer. */
function issuerOf({ origin }: OAuthRequest, { tenantId }: DirectoryPrincipal, audience: string): string {
  const isFirst = audience === storageAudience || eventHubsAudience.test(audience);
  return isFirst ? planIssuer(tenantId) : `${origin}/${tenantId}/v2.0`;
}

function refuseSecret(principal: DirectoryPrincipal, secret: string): ArmAnswer | undefined {
  if (!isSame(secret, principal.secret.value)) {
    const text = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${principal.clientId}'.`;
    return oauthError(401, "invalid_client", 7000215, text);
  }
  if (Date.parse(principal.secret.expiresAt) <= Date.now()) {
    const text = `The provided client secret keys for app '${principal.clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security.`;
    return oauthError(401, "invalid_client", 7000222, text);
  }
  return undefined;
}

function basicCredentials(header: string | undefined): { id: string; secret: string } | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [id = "", ...secret] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return { id: decodeURIComponent(id), secret: decodeURIComponent(secret.join(":")) };
}

const noStore = { "cache-control": "no-store", pragma: "no-cache" };

const tenantMissing = (tenant: string): string =>
  `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`;

function oauthError(status: number, error: string, code: number, text: string): ArmAnswer {
  const trace = randomUUID();
  const correlation = randomUUID();
  const timestamp = new Date().toISOString().replace("T", " ").replace(/\.\d+/, "");
  const description = `AADSTS${code}: ${text} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`;
  return {
    status,
    headers: noStore,
    body: {
      error,
      error_description: description,
      error_codes: [code],
      timestamp,
      trace_id: trace,
      correlation_id: correlation,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    },
  };
}

function openIdConfiguration(origin: string, tenant: string): Record<string, unknown> {
  return {
    token_endpoint: `${origin}/${tenant}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
    jwks_uri: `${origin}/${tenant}/discovery/v2.0/keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code", "id_token"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    issuer: `${origin}/${tenant}/v2.0`,
    authorization_endpoint: `${origin}/${tenant}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${origin}/${tenant}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${origin}/${tenant}/oauth2/v2.0/logout`,
    claims_supported: ["sub", "iss", "aud", "exp", "iat", "oid", "tid", "appid"],
    tenant_region_scope: null,
    cloud_instance_name: new URL(origin).host,
  };
}

function instanceMetadata(origin: string): Record<string, unknown> {
  const host = new URL(origin).host;
  return {
    tenant_discovery_endpoint: `${origin}/common/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
}
