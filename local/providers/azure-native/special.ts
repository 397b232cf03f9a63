import { setTimeout as delay } from "node:timers/promises";
import { parseResourceId } from "../../arm/definitions/index.ts";
import type { ArmAnswer } from "./arm.ts";
import { assertStatus } from "./arm.ts";
import type { Target } from "./operations.ts";
import { get, put, remove } from "./operations.ts";
import { rulesOf } from "./rules.ts";

/** Deletions, and one creation, that are more than a request to the resource's own id. */

const vaultApiVersion = "7.4";
const secretToken = "azure-native:keyvault:Secret";
const recoveryPollMs = 1_000;
const recoveryTries = 60;

/** A request to the data plane of the vault that a secret is in; undefined where the vault is gone. */
async function vaultRequest(
  target: Target,
): Promise<((method: "GET" | "DELETE" | "POST", path: string) => Promise<ArmAnswer>) | undefined> {
  const vault = await get({ ...target, id: target.id.slice(0, target.id.search(/\/secrets\//i)) });
  if (!vault) return undefined;
  const { vaultUri } = (vault["properties"] ?? {}) as { vaultUri?: string };
  if (!vaultUri) throw new Error(`the vault of ${target.id} has no vaultUri`);
  const { client } = target.instance;
  const audience = (await target.instance.cloud()).vaultAudience;
  const query = { "api-version": vaultApiVersion };
  return (method, path) =>
    client.send({ method, path: vaultUri.replace(/\/*$/, `/${path}`), query, audience }, target.signal);
}

const secretName = (target: Target): string =>
  encodeURIComponent(parseResourceId(target.definition, target.id)?.["secretName"] ?? "");

/** ARM cannot delete a secret; its vault can. */
async function removeSecret(target: Target): Promise<void> {
  const request = await vaultRequest(target);
  if (!request) return;
  const path = `secrets/${secretName(target)}`;
  const answer = await request("DELETE", path);
  assertStatus(answer, { method: "DELETE", path: `${target.id} (data plane)` }, [200, 204, 404]);
}

/**
 * A deleted secret keeps its name: ARM would refuse to write it. It is recovered first, where the principal may see
 * deleted secrets at all; without that right ARM's own answer says what is wrong.
 */
export async function recoverSecret(target: Target): Promise<void> {
  if (target.token !== secretToken) return;
  const request = await vaultRequest(target);
  const name = secretName(target);
  if (!request || (await request("GET", `deletedsecrets/${name}`)).status !== 200) return;
  const recovery = await request("POST", `deletedsecrets/${name}/recover`);
  assertStatus(recovery, { method: "POST", path: `${target.id} (recover)` }, [200]);
  for (let i = 0; i < recoveryTries; i++) {
    if ((await request("GET", `secrets/${name}`)).status === 200) return;
    await delay(target.instance.pollIntervalMs ?? recoveryPollMs, undefined, { signal: target.signal });
  }
  throw new Error(`the deleted secret of ${target.id} does not come back`);
}

/** A server parameter is there for ever: it gets its default value back. */
async function resetConfiguration(target: Target): Promise<void> {
  const found = await get(target);
  if (!found) return;
  const { defaultValue, value, source } = (found["properties"] ?? {}) as Record<string, unknown>;
  if (defaultValue === undefined || defaultValue === value) return;
  const written = await put(target, { properties: { value: defaultValue, source } });
  const now = ((written["properties"] ?? {}) as Record<string, unknown>)["value"];
  if (now !== defaultValue)
    throw new Error(`${target.id} does not take its default value back: it is ${JSON.stringify(now)}`);
}

/** Deletes a resource, as its type needs it. */
export async function removeResource(target: Target): Promise<void> {
  const { singleton } = rulesOf(target.token);
  if (target.token === secretToken) return removeSecret(target);
  if (singleton === "configuration") return resetConfiguration(target);
  if (!singleton) return remove(target);
  const answer = await target.instance.client.send(
    {
      method: "PUT",
      path: target.id,
      query: { "api-version": target.apiVersion },
      body: singleton.defaultBody,
    },
    target.signal,
  );
  // With the parent its singletons are gone.
  assertStatus(answer, { method: "PUT", path: target.id }, [200, 201, 404]);
}
