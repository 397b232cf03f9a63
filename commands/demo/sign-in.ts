/** Tokens of the local directory for the demo, which plays the tenant's services and so needs what they would have. */
import { readFile } from "node:fs/promises";
import https from "node:https";
import { text } from "node:stream/consumers";
import type { CloudConnection } from "../../local/connection.ts";

const ANSWER_WITHIN_MS = 10_000;
const STORAGE = "https://storage.azure.com/.default";
const VAULT = "https://vault.azure.net/.default";

export type Whose = "platform" | "tenant";

/** A token for blobs. */
export function storageToken(connection: CloudConnection, whose: Whose): Promise<string> {
  return tokenFor(connection, whose, STORAGE);
}

/** A token for the topics of a namespace. */
export function eventsToken(connection: CloudConnection, whose: Whose, namespace: string): Promise<string> {
  return tokenFor(connection, whose, `https://${namespace}.servicebus.windows.net/.default`);
}

/** As the platform's principal or as the tenant's, whose secret is in the platform's vault. */
async function tokenFor(connection: CloudConnection, whose: Whose, wanted: string): Promise<string> {
  const { platform, credentials, platformVaultUrl } = connection;
  const ca = await readFile(connection.caFile, "utf8");
  const secret = (await readFile(platform.clientSecretFile, "utf8")).trim();
  const asPlatform = (scope: string) => askToken(connection, ca, { ...platform, secret, scope });
  if (whose === "platform") return await asPlatform(wanted);
  const { value } = await ask<{ value: string }>(
    `${platformVaultUrl}/secrets/${credentials.clientSecretRef}?api-version=7.4`,
    { ca, headers: { authorization: `Bearer ${await asPlatform(VAULT)}` } },
  );
  return await askToken(connection, ca, { ...credentials, secret: value, scope: wanted });
}

async function askToken(
  { armUrl }: CloudConnection,
  ca: string,
  of: { azureTenantId: string; clientId: string; secret: string; scope: string },
): Promise<string> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: of.clientId,
    client_secret: of.secret,
    scope: of.scope,
  });
  const { access_token: token } = await ask<{ access_token: string }>(
    `${armUrl}/${of.azureTenantId}/oauth2/v2.0/token`,
    { ca, method: "POST", body: form.toString() },
  );
  return token;
}

function ask<T>(
  url: string,
  { body = "", ...options }: https.RequestOptions & { body?: string },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const request = https.request(url, { ...options, agent: false, signal }, (response) => {
      text(response).then((said) => {
        if (response.statusCode === 200) resolve(JSON.parse(said) as T);
        else reject(new Error(`${new URL(url).pathname} answered ${response.statusCode}`));
      }, reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}
