import type { ArmClient } from "./arm.ts";
import { bodyObject, createArmClient } from "./arm.ts";
import type { Cloud } from "./cloud.ts";
import { discoverCloud } from "./cloud.ts";
import type { Settings } from "./config.ts";
import type { Send } from "./http.ts";
import type { TokenSource } from "./token.ts";
import { createTokenSource, objectIdOf } from "./token.ts";

/** One configured provider: its cloud, its principal, its client. */
export interface Instance {
  settings: Settings;
  cloud(): Promise<Cloud>;
  client: ArmClient;
  token(audience: string | undefined): Promise<string>;
  /** Client id and object id of the principal. */
  principal(): Promise<{ clientId: string; objectId: string }>;
  /** Of a resource group by name; undefined where it cannot be read. Asked once for each group. */
  groupLocation(name: string, signal: AbortSignal): Promise<string | undefined>;
  /** Waits in place of azure-native's, milliseconds. */
  pollIntervalMs?: number;
}

export interface InstanceOptions {
  send: Send;
  retryDelaysMs?: readonly number[];
  pollIntervalMs?: number;
}

/** The API version by which azure-native reads resource groups. */
const groupApiVersion = "2020-10-01";

const signInTimeoutMs = 30_000;

/** Nothing is asked for before it is needed: an instance without resources needs no cloud. */
export function createInstance(settings: Settings, options: InstanceOptions): Instance {
  const { send, retryDelaysMs, pollIntervalMs } = options;
  let signedIn: Promise<{ cloud: Cloud; tokens: TokenSource; client: ArmClient }> | undefined;
  const groups = new Map<string, string>();

  function signIn() {
    // Shared by all that wait for it: it must not end with the one that came first.
    signedIn ??= discoverCloud(settings, send, AbortSignal.timeout(signInTimeoutMs)).then((cloud) => {
      const tokens = createTokenSource(settings, cloud, send);
      const client = createArmClient({
        resourceManager: cloud.resourceManager,
        send,
        token: (audience, fresh) => {
          if (fresh) tokens.forget();
          return tokens.get(audience ?? cloud.audience);
        },
        ...(retryDelaysMs && { delaysMs: retryDelaysMs }),
      });
      return { cloud, tokens, client };
    });
    // The next request tries again.
    signedIn.catch(() => (signedIn = undefined));
    return signedIn;
  }

  const client: ArmClient = {
    send: async (request, signal) => (await signIn()).client.send(request, signal),
  };
  const token = async (audience: string | undefined) => {
    const { cloud, tokens } = await signIn();
    return tokens.get(audience ?? cloud.audience);
  };

  return {
    settings,
    client,
    token,
    cloud: async () => (await signIn()).cloud,
    principal: async () => ({
      clientId: settings.clientId,
      objectId: objectIdOf(await token(undefined)),
    }),
    async groupLocation(name, signal) {
      const known = groups.get(name.toLowerCase());
      if (known !== undefined) return known;
      const path = `/subscriptions/${settings.subscriptionId}/resourceGroups/${name}`;
      const query = { "api-version": groupApiVersion };
      const answer = await client.send({ method: "GET", path, query }, signal).catch(() => undefined);
      signal.throwIfAborted();
      const location = answer?.status === 200 ? bodyObject(answer)["location"] : undefined;
      if (typeof location !== "string") return undefined;
      groups.set(name.toLowerCase(), location);
      return location;
    },
    ...(pollIntervalMs !== undefined && { pollIntervalMs }),
  };
}
