/** The checks of a service principal, on what Azure Resource Manager answers. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createArmClient } from "../../../automation/azure/arm.ts";
import { PUBLIC_CLOUD } from "../../../automation/azure/cloud.ts";
import { checkSubscription, NAMESPACES } from "../../../automation/azure/service-principal.ts";
import {
  computeUsage,
  CONTRIBUTOR,
  DIRECTORY_ID,
  networkUsage,
  provider,
  RBAC_ADMINISTRATOR,
  refusal,
  subscription,
  SUBSCRIPTION_ID,
  SUBSCRIPTION_PATH,
} from "./arm-answers.ts";

const ARM = "https://management.azure.com";
const PERMISSIONS = `${SUBSCRIPTION_PATH}/providers/Microsoft.Authorization/permissions`;
const COMPUTE = `${SUBSCRIPTION_PATH}/providers/Microsoft.Compute/locations/westeurope/usages`;
const NETWORK = `${SUBSCRIPTION_PATH}/providers/Microsoft.Network/locations/westeurope/usages`;

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

const NEXT = `${PERMISSIONS}-next`;
/** Of a subscription in which an upgrade can be done; the second page of permissions is what makes it so. */
const GOOD: Record<string, Answer> = {
  [SUBSCRIPTION_PATH]: { body: subscription() },
  [PERMISSIONS]: { body: { value: [CONTRIBUTOR], nextLink: `${ARM}${NEXT}?api-version=2022-04-01` } },
  [NEXT]: { body: { value: [RBAC_ADMINISTRATOR] } },
  [COMPUTE]: {
    body: {
      value: [
        computeUsage("cores", "Total Regional vCPUs", 20, 100),
        computeUsage("standardDSv5Family", "Standard DSv5 Family vCPUs", 12, 100),
      ],
    },
  },
  [NETWORK]: {
    body: {
      value: [
        networkUsage("VirtualNetworks", "Virtual Networks", 8, 1000),
        networkUsage("StandardSkuPublicIpAddresses", "Public IP Addresses - Standard", 3, 20),
      ],
    },
  },
  ...Object.fromEntries(
    NAMESPACES.map((namespace) => [
      `${SUBSCRIPTION_PATH}/providers/${namespace}`,
      { body: provider(namespace) },
    ]),
  ),
};

const asked: { path: string; authorization: string | null }[] = [];

/** Azure with these answers in the place of the good ones; of a list, one after the other. */
function answering(others: Record<string, Answer | Answer[]> = {}): void {
  const queues = new Map(Object.entries(others).map(([path, answer]) => [path, [answer].flat()]));
  vi.stubGlobal("fetch", (url: string, { headers }: RequestInit) => {
    const { origin, pathname, searchParams } = new URL(url);
    expect(origin).toBe(ARM);
    expect(searchParams.get("api-version")).toMatch(/^\d{4}-\d\d-\d\d$/);
    asked.push({ path: pathname, authorization: new Headers(headers).get("authorization") });
    const queue = queues.get(pathname);
    const answer = (queue && queue.length > 1 ? queue.shift() : queue?.[0]) ?? GOOD[pathname];
    const {
      status = 200,
      headers: given,
      body,
    } = answer ?? { status: 404, body: refusal("NotFound", `nothing is at ${pathname}`) };
    return Promise.resolve(new Response(JSON.stringify(body), { status, ...(given && { headers: given }) }));
  });
}

const check = () =>
  checkSubscription(
    createArmClient(PUBLIC_CLOUD, {
      getToken: () => Promise.resolve({ token: "a token", expiresOnTimestamp: Date.now() + 3_600_000 }),
    }),
    {
      credentials: {
        clientId: "the-client",
        clientSecretRef: "kv://vault/secret",
        azureTenantId: "contoso.onmicrosoft.com",
        subscriptionId: SUBSCRIPTION_ID,
      },
      region: "westeurope",
      needs: { cores: { cores: 60, standardDSv5Family: 50 }, publicAddresses: 2 },
    },
  );

beforeEach(() => void asked.splice(0));
afterEach(() => vi.unstubAllGlobals());

describe("a service principal's subscription", () => {
  it("passes every check, and tells the directory's id", async () => {
    answering();
    const { directoryId, checks } = await check();
    expect(directoryId).toBe(DIRECTORY_ID);
    expect(checks.map(({ name, passed }) => [name, passed])).toEqual([
      ["permissions", true],
      ["resource providers", true],
      ["cores", true],
      ["public addresses", true],
    ]);
    expect(asked).toHaveLength(5 + NAMESPACES.length);
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer a token"]));
  });

  it.each<[string, Record<string, Answer>, string[]]>([
    [
      "a contributor",
      { [PERMISSIONS]: { body: { value: [CONTRIBUTOR] } } },
      ["it lacks the actions Microsoft.Authorization/roleAssignments/write"],
    ],
    [
      "providers that are not registered",
      {
        [`${SUBSCRIPTION_PATH}/providers/Microsoft.Cache`]: {
          body: provider("Microsoft.Cache", "NotRegistered"),
        },
        [`${SUBSCRIPTION_PATH}/providers/Microsoft.Monitor`]: {
          body: provider("Microsoft.Monitor", "Unregistered"),
        },
        [`${SUBSCRIPTION_PATH}/providers/Microsoft.EventHub`]: {
          body: provider("Microsoft.EventHub", "Registering"),
        },
      },
      ["its subscription has not registered Microsoft.Cache, Microsoft.Monitor: run az provider register"],
    ],
    [
      "too small quotas, all of them",
      {
        [COMPUTE]: {
          body: {
            value: [
              computeUsage("cores", "Total Regional vCPUs", 60, 100),
              computeUsage("standardDSv5Family", "Standard DSv5 Family vCPUs", 60, 100),
            ],
          },
        },
        [NETWORK]: {
          body: {
            value: [networkUsage("StandardSkuPublicIpAddresses", "Public IP Addresses - Standard", 19, 20)],
          },
        },
      },
      [
        "cores in westeurope: 60 needed, 40 of 100 left",
        "standardDSv5Family in westeurope: 50 needed, 40 of 100 left",
        "StandardSkuPublicIpAddresses in westeurope: 2 needed, 1 of 20 left",
      ],
    ],
    [
      "a disabled subscription",
      { [SUBSCRIPTION_PATH]: { body: subscription("Disabled") } },
      ["the subscription is Disabled"],
    ],
    [
      "a subscription it does not see",
      {
        [SUBSCRIPTION_PATH]: {
          status: 404,
          body: refusal("SubscriptionNotFound", `The subscription '${SUBSCRIPTION_ID}' could not be found.`),
        },
      },
      ["SubscriptionNotFound: The subscription"],
    ],
    [
      "a right that is missing for the checks themselves",
      {
        [COMPUTE]: {
          status: 403,
          body: refusal(
            "AuthorizationFailed",
            "The client 'the-client' does not have authorization to perform action 'Microsoft.Compute/locations/usages/read'.",
          ),
        },
      },
      ["AuthorizationFailed: The client 'the-client'", "Microsoft.Compute/locations/usages/read"],
    ],
  ])("is refused for %s", async (_name, answers, sentences) => {
    answering(answers);
    const refused = await check().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "SERVICE_PRINCIPAL_REJECTED" });
    for (const sentence of sentences) expect((refused as Error).message).toContain(sentence);
  });

  it("is asked again after the time that a throttled answer names", async () => {
    const throttled = {
      status: 429,
      headers: { "Retry-After": "0" },
      body: refusal(
        "SubscriptionRequestsThrottled",
        "Number of requests for subscription exceeded the limit.",
      ),
    };
    answering({ [NETWORK]: [throttled, throttled, GOOD[NETWORK]!] });
    expect((await check()).checks.every(({ passed }) => passed)).toBe(true);
    expect(asked.filter(({ path }) => path === NETWORK)).toHaveLength(3);
  });

  it("is not refused for what may pass", async () => {
    const busy = {
      status: 503,
      headers: { "Retry-After": "0" },
      body: refusal("ServiceUnavailable", "busy"),
    };
    answering({ [COMPUTE]: busy });
    await expect(check()).rejects.toMatchObject({ status: 503, code: "ServiceUnavailable" });
    expect(asked.filter(({ path }) => path === COMPUTE)).toHaveLength(3);
  });
});
