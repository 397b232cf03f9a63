import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { decodeJwt, importJWK, jwtVerify } from "jose";
import type { JWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { principalSeeds } from "../../../local/arm/identity/principals.ts";
import type { ArmUnderTest } from "./support/arm.ts";
import { login, openArm, send, tokenOf } from "./support/arm.ts";

const run = promisify(execFile);
let arm: ArmUnderTest;

beforeAll(async () => {
  arm = await openArm();
});
afterAll(() => arm.close());

const subscriptionPath = (name: string): string =>
  `/subscriptions/${arm.running.cloud.directory.principal(name).subscriptionId}`;

/** What a principal submitted by its reference would log in with. */
const submitted = (name: string) => {
  const { tenantId, clientId, reference, subscriptionId } = arm.running.cloud.directory.principal(name);
  return { tenantId, clientId, secret: reference.value, subscriptionId };
};

/** Runs a script as a program of its own that trusts the authority by NODE_EXTRA_CA_CERTS, as the service does. */
async function runWithTrust(script: string, input: Record<string, string>): Promise<Record<string, unknown>> {
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: arm.authority.certificateFile, ...input },
    timeout: 25_000,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

const credentialScript = `
  import { ClientSecretCredential } from "@azure/identity";
  const { TENANT, CLIENT, SECRET, AUTHORITY } = process.env;
  const credential = new ClientSecretCredential(TENANT, CLIENT, SECRET, { authorityHost: AUTHORITY, disableInstanceDiscovery: true });
  try {
    const { token } = await credential.getToken("https://management.azure.com/.default");
    console.log(JSON.stringify({ token }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
`;

const secretScript = `
  import { ClientSecretCredential } from "@azure/identity";
  import { SecretClient } from "@azure/keyvault-secrets";
  const { TENANT, CLIENT, SECRET, AUTHORITY, VAULT } = process.env;
  const credential = new ClientSecretCredential(TENANT, CLIENT, SECRET, { authorityHost: AUTHORITY, disableInstanceDiscovery: true });
  const client = new SecretClient(VAULT, credential, { disableChallengeResourceVerification: true });
  const known = await client.getSecret("keyvault-secret-ref");
  await client.setSecret("made-here", "one");
  const second = await client.setSecret("made-here", "two");
  const read = await client.getSecret("made-here");
  const poller = await client.beginDeleteSecret("made-here");
  const deleted = await poller.pollUntilDone();
  const missing = await client.getSecret("made-here").catch((error) => error.code);
  await (await client.beginRecoverDeletedSecret("made-here")).pollUntilDone();
  const back = await client.getSecret("made-here");
  console.log(JSON.stringify({ known: known.value, read: read.value, version: read.properties.version === second.properties.version, deleted: deleted.name, missing, back: back.value }));
`;

const environmentOf = (name: string): Record<string, string> => {
  const { tenantId, clientId, secret } = submitted(name);
  return {
    TENANT: tenantId,
    CLIENT: clientId,
    SECRET: secret,
    AUTHORITY: arm.running.url,
    VAULT: arm.running.platformVaultUrl,
  };
};

describe("Microsoft's own clients", () => {
  it.each(["sp-tenant", "sp-specification"])("ClientSecretCredential gets a token for %s", async (name) => {
    const { token } = await runWithTrust(credentialScript, environmentOf(name));
    const claims = decodeJwt(token as string);
    const principal = arm.running.cloud.directory.principal(name);
    expect(claims).toMatchObject({
      tid: principal.tenantId,
      appid: principal.clientId,
      oid: principal.objectId,
    });
    expect(claims.aud).toBe("https://management.azure.com");
  });

  it("ClientSecretCredential shows the code of a wrong secret", async () => {
    const { error } = await runWithTrust(credentialScript, environmentOf("sp-wrong-secret"));
    expect(error).toContain("AADSTS7000215");
  });

  it("SecretClient reads, sets, deletes and recovers a secret", async () => {
    const answered = await runWithTrust(secretScript, environmentOf("tierlift-platform"));
    expect(answered).toEqual({
      known: submitted("sp-specification").secret,
      read: "two",
      version: true,
      deleted: "made-here",
      missing: "SecretNotFound",
      back: "two",
    });
  });
});

describe("the token endpoint", () => {
  it.each([
    ["sp-wrong-secret", 401, "invalid_client", 7000215],
    ["sp-expired-secret", 401, "invalid_client", 7000222],
  ])("refuses %s", async (name, status, error, code) => {
    const { tenantId, clientId, secret } = submitted(name);
    const answer = await login(arm, tenantId, clientId, secret);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error, error_codes: [code] });
    expect(answer.body["error_description"]).toContain(`AADSTS${code}:`);
  });

  it("refuses an application and a tenant it does not have", async () => {
    const { tenantId } = submitted("sp-tenant");
    expect((await login(arm, tenantId, "nobody", "x")).body).toMatchObject({ error_codes: [700016] });
    expect((await login(arm, "no-such-tenant", "nobody", "x")).body).toMatchObject({ error_codes: [90002] });
  });

  it("refuses a resource it does not have", async () => {
    const { tenantId, clientId, secret } = submitted("sp-tenant");
    const answer = await login(arm, tenantId, clientId, secret, "https://elsewhere.test/.default");
    expect(answer.body).toMatchObject({ error: "invalid_resource", error_codes: [500011] });
  });

  it("issues tokens for storage as storage takes them: of version 1, from Microsoft's own issuer", async () => {
    const { tenantId, clientId, secret } = submitted("sp-tenant");
    const { body } = await login(arm, tenantId, clientId, secret, "https://storage.azure.com/.default");
    expect(decodeJwt(String(body["access_token"]))).toMatchObject({
      aud: "https://storage.azure.com",
      iss: `https://sts.windows.net/${tenantId}/`,
      appid: clientId,
    });
  });

  it("signs with the key it publishes", async () => {
    const { tenantId } = submitted("sp-tenant");
    const configuration = await send(arm, "GET", `/${tenantId}/v2.0/.well-known/openid-configuration`);
    const keys = await send(arm, "GET", new URL(String(configuration.body["jwks_uri"])).pathname);
    const [jwk] = keys.body["keys"] as JWK[];
    const key = await importJWK(jwk as JWK, "RS256");
    const { payload } = await jwtVerify(await tokenOf(arm, "sp-tenant"), key);
    expect(payload.iss).toBe(configuration.body["issuer"]);
    expect(jwk).not.toHaveProperty("d");
  });
});

describe("metadata", () => {
  it.each([
    ["2022-09-01", (body: unknown) => body],
    ["2019-05-01", (body: unknown) => (body as unknown[])[0]],
  ])("names this cloud in the form of %s", async (version, entry) => {
    const answer = await send(arm, "GET", `/metadata/endpoints?api-version=${version}`);
    expect(entry(answer.body)).toMatchObject({
      resourceManager: arm.running.url,
      authentication: { loginEndpoint: arm.running.url },
    });
  });
});

describe("a request for a subscription", () => {
  const get = async (path: string, authorization?: string) =>
    send(arm, "GET", `${path}?api-version=2022-12-01`, undefined, authorization ? { authorization } : {});

  it("is refused without a token, with the way to one", async () => {
    const answer = await get(subscriptionPath("sp-tenant"));
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toContain(
      `authorization_uri="${arm.running.url}/${submitted("sp-tenant").tenantId}"`,
    );
  });

  it("is refused with a token that nobody here signed", async () => {
    const token = (await tokenOf(arm, "sp-tenant")).split(".").slice(0, 2).join(".");
    const answer = await get(subscriptionPath("sp-tenant"), `Bearer ${token}.AAAA`);
    expect(answer.body["error"]).toMatchObject({ code: "InvalidAuthenticationToken" });
  });

  it("is refused with a token for the vaults", async () => {
    const token = await tokenOf(arm, "sp-tenant", "https://vault.azure.net/.default");
    expect((await get(subscriptionPath("sp-tenant"), `Bearer ${token}`)).status).toBe(401);
  });

  it("is refused with a token of another tenant", async () => {
    const token = await tokenOf(arm, "tierlift-platform");
    const answer = await get(subscriptionPath("sp-tenant"), `Bearer ${token}`);
    expect(answer.status).toBe(401);
    expect(answer.body["error"]).toMatchObject({ code: "InvalidAuthenticationTokenTenant" });
  });

  it.each([
    ["sp-tenant", 200, undefined],
    ["sp-specification", 200, undefined],
    ["sp-reader", 200, undefined],
    ["sp-no-role", 403, "AuthorizationFailed"],
    ["sp-no-subscription", 404, "SubscriptionNotFound"],
  ])("of %s is answered with %i", async (name, status, code) => {
    const answer = await (await arm.as(name)).get(subscriptionPath(name), "2022-12-01");
    expect(answer.status).toBe(status);
    if (code !== undefined) expect(answer.body["error"]).toMatchObject({ code });
  });

  it("is refused for a Reader who writes", async () => {
    const client = await arm.as("sp-reader");
    const answer = await client.put(`${client.subscription}/resourceGroups/a`, "2024-03-01", {
      location: "westeurope",
    });
    expect(answer.status).toBe(403);
    expect((answer.body["error"] as { message: string }).message).toContain(
      "Microsoft.Resources/subscriptions/resourceGroups/write",
    );
  });

  it("is refused for a Contributor who hands out roles", async () => {
    const client = await arm.as("sp-contributor");
    const path = `${client.subscription}/providers/Microsoft.Authorization/roleAssignments/0f0f0f0f-1111-4222-8333-444455556666`;
    expect((await client.put(path, "2022-04-01", { properties: {} })).status).toBe(403);
  });

  it("lets the operator read everything and change nothing", async () => {
    const client = await arm.as("operator");
    expect((await client.get(`${subscriptionPath("sp-tenant")}/resources`)).status).toBe(200);
    const answer = await client.put(`${subscriptionPath("sp-tenant")}/resourceGroups/a`, "2024-03-01", {});
    expect(answer.status).toBe(403);
  });
});

describe("the directory", () => {
  it("has every principal of the table, and a reference to each secret in the platform's vault", () => {
    const { directory, secrets, store } = arm.running.cloud;
    expect(directory.principals.map((principal) => principal.name)).toEqual(
      principalSeeds.map((seed) => seed.name),
    );
    const [vault] = store.list("Microsoft.KeyVault/vaults");
    for (const principal of directory.principals) {
      expect(secrets.current(vault?.id ?? "", principal.reference.name)?.value).toBe(
        principal.reference.value,
      );
    }
  });

  it("keeps its principals and their tokens over a restart", async () => {
    const before = await tokenOf(arm, "sp-tenant");
    const { clientId } = arm.running.cloud.directory.principal("sp-tenant");
    await arm.restart();
    expect(arm.running.cloud.directory.principal("sp-tenant").clientId).toBe(clientId);
    const answer = await send(
      arm,
      "GET",
      `${subscriptionPath("sp-tenant")}?api-version=2022-12-01`,
      undefined,
      {
        authorization: `Bearer ${before}`,
      },
    );
    expect(answer.status).toBe(200);
  });

  it("writes no secret into the request log", async () => {
    const log = await readFile(`${arm.home}/logs/arm-requests.jsonl`, "utf8");
    const { directory } = arm.running.cloud;
    expect(log.split("\n").length).toBeGreaterThan(10);
    for (const principal of directory.principals) expect(log).not.toContain(principal.secret.value);
  });
});
