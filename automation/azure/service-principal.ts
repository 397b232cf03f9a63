/** Whether a tenant's service principal can do what a migration will ask of it, before anything is made. */
import { AuthenticationError, ClientSecretCredential } from "@azure/identity";
import type { TokenCredential } from "@azure/identity";
import { TierliftError, tierliftError } from "../errors.ts";
import type { CredentialsReference } from "../model.ts";
import { ArmError, createArmClient } from "./arm.ts";
import type { ArmReader } from "./arm.ts";
import type { Cloud } from "./cloud.ts";
import { missingActions } from "./permissions.ts";
import type { PermissionEntry } from "./permissions.ts";

/** What the stack makes in the tenant's subscription: namespaces to be registered, and the rights to be held. */
export const NAMESPACES = [
  "Microsoft.Network",
  "Microsoft.Compute",
  "Microsoft.ContainerService",
  "Microsoft.Storage",
  "Microsoft.KeyVault",
  "Microsoft.ManagedIdentity",
  "Microsoft.DBforPostgreSQL",
  "Microsoft.Cache",
  "Microsoft.EventHub",
  "Microsoft.OperationalInsights",
  "Microsoft.Monitor",
  "Microsoft.Insights",
  "Microsoft.AlertsManagement",
  "Microsoft.Dashboard",
] as const;

export const ACTIONS = [
  "Microsoft.Resources/subscriptions/resourceGroups/write",
  "Microsoft.Resources/subscriptions/resourceGroups/delete",
  "Microsoft.Network/virtualNetworks/write",
  "Microsoft.Network/virtualNetworks/subnets/join/action",
  "Microsoft.ContainerService/managedClusters/write",
  "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
  "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
  "Microsoft.DBforPostgreSQL/flexibleServers/write",
  "Microsoft.Storage/storageAccounts/write",
  "Microsoft.Cache/redisEnterprise/write",
  "Microsoft.EventHub/namespaces/write",
  "Microsoft.KeyVault/vaults/write",
  // Contributor does not hold it: a Role Based Access Control Administrator, User Access Administrator or Owner does.
  "Microsoft.Authorization/roleAssignments/write",
] as const;

/** How much of each quota the footprint takes at its largest. */
export interface QuotaNeeds {
  /** Virtual machine families by the name Azure's usages give them, `cores` for the region's total. */
  cores: Record<string, number>;
  publicAddresses: number;
}

export interface ServicePrincipalCheck {
  name: string;
  passed: boolean;
  detail: string;
}

export interface CheckOptions {
  cloud: Cloud;
  credentials: CredentialsReference;
  clientSecret: string;
  region: string;
  needs: QuotaNeeds;
  signal?: AbortSignal;
}

export interface CheckedPrincipal {
  /** The directory's id, by whichever of its names it was given. */
  directoryId: string;
  checks: ServicePrincipalCheck[];
}

/** Signs in and runs every check; rejects with SERVICE_PRINCIPAL_REJECTED naming all that failed. */
export async function checkServicePrincipal(options: CheckOptions): Promise<CheckedPrincipal> {
  const { cloud, credentials, clientSecret } = options;
  const { clientId, azureTenantId } = credentials;
  const credential = createPrincipalCredential(cloud, azureTenantId, clientId, clientSecret);
  await signIn(credential, options);
  return await checkSubscription(createArmClient(cloud, credential), options);
}

/** The checks of a principal that is signed in already. */
export async function checkSubscription(
  arm: ArmReader,
  options: Omit<CheckOptions, "cloud" | "clientSecret">,
): Promise<CheckedPrincipal> {
  const { clientId, azureTenantId, subscriptionId } = options.credentials;
  const subscription = `/subscriptions/${subscriptionId}`;
  const directoryId = await asked(clientId, () => readSubscription(arm, subscription, options.signal));
  const checks = await asked(clientId, () =>
    Promise.all([
      checkPermissions(arm, subscription, options.signal),
      checkNamespaces(arm, subscription, options.signal),
      checkCores(arm, subscription, options),
      checkAddresses(arm, subscription, options),
    ]),
  );
  const failed = checks.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    throw tierliftError("SERVICE_PRINCIPAL_REJECTED", {
      clientId,
      problem: failed.map(({ detail }) => detail).join("; "),
    });
  }
  return { directoryId: directoryId ?? azureTenantId, checks };
}

/** A principal's credential in a cloud, public or local. */
export function createPrincipalCredential(
  cloud: Cloud,
  tenantId: string,
  clientId: string,
  secret: string,
): TokenCredential {
  return new ClientSecretCredential(tenantId, clientId, secret, {
    authorityHost: cloud.authorityHost,
    disableInstanceDiscovery: !cloud.instanceDiscovery,
  });
}

async function signIn(
  credential: TokenCredential,
  { cloud, credentials, signal }: CheckOptions,
): Promise<void> {
  try {
    await credential.getToken(cloud.scope, signal ? { abortSignal: signal } : {});
  } catch (error) {
    const { clientId } = credentials;
    const problem = error instanceof AuthenticationError ? signInProblem(error) : null;
    if (problem === null) throw error;
    throw tierliftError("SERVICE_PRINCIPAL_REJECTED", { clientId, problem }, { cause: error });
  }
}

/** The directory's error codes that an operator can do something about; null for one that may pass. */
function signInProblem(error: AuthenticationError): string | null {
  if (error.statusCode >= 500) return null;
  const text = error.errorResponse.errorDescription ?? error.message;
  if (text.includes("AADSTS7000215")) return "its secret is not valid";
  if (text.includes("AADSTS7000222")) return "its secret has expired";
  if (text.includes("AADSTS700016")) return "the directory does not know it";
  if (text.includes("AADSTS90002")) return "there is no such directory";
  return `the directory refused it (${error.errorResponse.error})`;
}

/** Names the principal in what ARM refuses; other failures pass through and are tried again. */
async function asked<T>(clientId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (
      error instanceof TierliftError ||
      !(error instanceof ArmError) ||
      error.status >= 500 ||
      error.status === 429
    )
      throw error;
    throw tierliftError(
      "SERVICE_PRINCIPAL_REJECTED",
      { clientId, problem: `${error.code}: ${error.message}` },
      { cause: error },
    );
  }
}

/** The directory that the subscription belongs to; rejects when it takes no resources. */
async function readSubscription(
  arm: ArmReader,
  subscription: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { state, tenantId } = (await arm.get(subscription, "2022-12-01", signal)) as {
    state?: string;
    tenantId?: string;
  };
  if (state !== undefined && state !== "Enabled") {
    throw new ArmError(403, "SubscriptionNotEnabled", `the subscription is ${state}`);
  }
  return tenantId;
}

async function checkPermissions(
  arm: ArmReader,
  subscription: string,
  signal?: AbortSignal,
): Promise<ServicePrincipalCheck> {
  const path = `${subscription}/providers/Microsoft.Authorization/permissions`;
  const missing = missingActions((await arm.list(path, "2022-04-01", signal)) as PermissionEntry[], ACTIONS);
  const detail =
    missing.length === 0 ? `${ACTIONS.length} actions granted` : `it lacks the actions ${missing.join(", ")}`;
  return { name: "permissions", passed: missing.length === 0, detail };
}

async function checkNamespaces(
  arm: ArmReader,
  subscription: string,
  signal?: AbortSignal,
): Promise<ServicePrincipalCheck> {
  const states = await Promise.all(
    NAMESPACES.map(async (namespace) => {
      const path = `${subscription}/providers/${namespace}`;
      const { registrationState } = (await arm.get(path, "2021-04-01", signal)) as {
        registrationState?: string;
      };
      return {
        namespace,
        registered: registrationState === "Registered" || registrationState === "Registering",
      };
    }),
  );
  const missing = states.filter(({ registered }) => !registered).map(({ namespace }) => namespace);
  const detail =
    missing.length === 0
      ? `${NAMESPACES.length} resource providers registered`
      : `its subscription has not registered ${missing.join(", ")}: run az provider register for each`;
  return { name: "resource providers", passed: missing.length === 0, detail };
}

interface Usage {
  name: { value: string };
  currentValue: number;
  limit: number;
}

async function checkCores(
  arm: ArmReader,
  subscription: string,
  { region, needs, signal }: Pick<CheckOptions, "region" | "needs" | "signal">,
): Promise<ServicePrincipalCheck> {
  const path = `${subscription}/providers/Microsoft.Compute/locations/${region}/usages`;
  return checkQuota("cores", (await arm.list(path, "2024-07-01", signal)) as Usage[], needs.cores, region);
}

async function checkAddresses(
  arm: ArmReader,
  subscription: string,
  { region, needs, signal }: Pick<CheckOptions, "region" | "needs" | "signal">,
): Promise<ServicePrincipalCheck> {
  const path = `${subscription}/providers/Microsoft.Network/locations/${region}/usages`;
  const usages = (await arm.list(path, "2024-05-01", signal)) as Usage[];
  return checkQuota(
    "public addresses",
    usages,
    { StandardSkuPublicIpAddresses: needs.publicAddresses },
    region,
  );
}

function checkQuota(
  name: string,
  usages: Usage[],
  needs: Record<string, number>,
  region: string,
): ServicePrincipalCheck {
  const short = Object.entries(needs).flatMap(([quota, needed]) => {
    const usage = usages.find(({ name: { value } }) => value.toLowerCase() === quota.toLowerCase());
    if (usage === undefined || usage.limit - usage.currentValue >= needed) return [];
    return [
      `${quota} in ${region}: ${needed} needed, ${usage.limit - usage.currentValue} of ${usage.limit} left`,
    ];
  });
  const detail =
    short.length === 0 ? `quota for ${name} suffices` : `its quota is too small (${short.join("; ")})`;
  return { name, passed: short.length === 0, detail };
}
