import type { Cloud } from "./cloud.ts";
import type { Settings } from "./config.ts";
import type { Send } from "./http.ts";

/** Access tokens of a service principal, by audience; one is asked for anew a few minutes before it ends. */
export interface TokenSource {
  get(audience: string): Promise<string>;
  /** Forgets the tokens, after one was refused. */
  forget(): void;
}

const renewBeforeMs = 5 * 60_000;
const askTimeoutMs = 30_000;

function assertSignIn(settings: Settings): void {
  const [unsupported] = settings.unsupported;
  if (unsupported !== undefined)
    throw new Error(`${unsupported} is set, but this plugin signs in with clientId and clientSecret only`);
  for (const key of ["tenantId", "clientId", "clientSecret"] as const)
    if (!settings[key]) throw new Error(`the provider's ${key} is not set: no token can be asked for`);
}

/** OAuth 2.0 client credentials at `<login endpoint>/<tenant>/oauth2/v2.0/token`. */
export function createTokenSource(settings: Settings, cloud: Cloud, send: Send): TokenSource {
  const tokens = new Map<string, Promise<{ token: string; renewAt: number }>>();

  async function ask(audience: string): Promise<{ token: string; renewAt: number }> {
    assertSignIn(settings);
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: settings.clientId,
      client_secret: settings.clientSecret,
      scope: `${audience}/.default`,
    });
    const url = `${cloud.loginEndpoint}/${encodeURIComponent(settings.tenantId)}/oauth2/v2.0/token`;
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
    // A token serves all that wait for it: asking must not end with the one that came first.
    const signal = AbortSignal.timeout(askTimeoutMs);
    const answer = await send({ method: "POST", url, headers, body: body.toString(), signal });
    const parsed = parse(answer.text);
    if (answer.status !== 200 || !parsed.access_token)
      throw new Error(
        `no token for client ${settings.clientId} of tenant ${settings.tenantId}: ` +
          (parsed.error_description ?? parsed.error ?? `the login endpoint answered ${answer.status}`),
      );
    const lifetimeMs = Number(parsed.expires_in ?? 3600) * 1000;
    return { token: parsed.access_token, renewAt: Date.now() + Math.max(0, lifetimeMs - renewBeforeMs) };
  }

  return {
    async get(audience) {
      const known = await tokens.get(audience)?.catch(() => undefined);
      if (known && Date.now() < known.renewAt) return known.token;
      const asked = ask(audience);
      tokens.set(audience, asked);
      return (await asked).token;
    },
    forget: () => tokens.clear(),
  };
}

interface TokenAnswer {
  access_token?: string;
  expires_in?: number | string;
  error?: string;
  error_description?: string;
}

function parse(text: string): TokenAnswer {
  try {
    return JSON.parse(text) as TokenAnswer;
  } catch {
    return {};
  }
}

/** The object id of the principal that a token was made for (`oid`); empty where the token does not say. */
export function objectIdOf(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
      oid?: string;
    };
    return claims.oid ?? "";
  } catch {
    return "";
  }
}
