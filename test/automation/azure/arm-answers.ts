/**
 * Answers of Azure Resource Manager in the shape that its REST reference documents for each call, with more in them than
 * is read: https://learn.microsoft.com/rest/api/resources, /authorization, /compute, /virtualnetwork.
 */
export const SUBSCRIPTION_ID = "291bba3f-e0a5-47bc-a099-3bdcb2a50a05";
export const DIRECTORY_ID = "31c75423-32d6-4322-88b7-c478bdde4858";
export const SUBSCRIPTION_PATH = `/subscriptions/${SUBSCRIPTION_ID}`;

export const subscription = (state = "Enabled") => ({
  id: SUBSCRIPTION_PATH,
  authorizationSource: "RoleBased",
  managedByTenants: [],
  tags: { tagKey1: "tagValue1" },
  subscriptionId: SUBSCRIPTION_ID,
  tenantId: DIRECTORY_ID,
  displayName: "Example Subscription",
  state,
  subscriptionPolicies: {
    locationPlacementId: "Public_2014-09-01",
    quotaId: "PayAsYouGo_2014-09-01",
    spendingLimit: "Off",
  },
});

export const CONTRIBUTOR = {
  actions: ["*"],
  notActions: [
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
    "Microsoft.Blueprint/blueprintAssignments/write",
    "Microsoft.Blueprint/blueprintAssignments/delete",
    "Microsoft.Compute/galleries/share/action",
    "Microsoft.Purview/consents/write",
    "Microsoft.Purview/consents/delete",
  ],
  dataActions: [],
  notDataActions: [],
};

export const RBAC_ADMINISTRATOR = {
  actions: [
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
    "*/read",
    "Microsoft.Support/*",
  ],
  notActions: [],
  dataActions: [],
  notDataActions: [],
};

export const provider = (namespace: string, registrationState = "Registered") => ({
  id: `${SUBSCRIPTION_PATH}/providers/${namespace}`,
  namespace,
  authorizations: [{ applicationId: "2c1229aa-16c5-4ff5-b46b-4f7fe2a2a9c8" }],
  resourceTypes: [
    {
      resourceType: "operations",
      locations: [],
      apiVersions: ["2024-01-01"],
      defaultApiVersion: "2024-01-01",
      capabilities: "None",
    },
  ],
  registrationState,
  registrationPolicy: "RegistrationRequired",
});

export const computeUsage = (value: string, localizedValue: string, currentValue: number, limit: number) => ({
  limit,
  unit: "Count",
  currentValue,
  name: { value, localizedValue },
});

export const networkUsage = (value: string, localizedValue: string, currentValue: number, limit: number) => ({
  currentValue,
  id: `${SUBSCRIPTION_PATH}/providers/Microsoft.Network/locations/westeurope/usages/${value}`,
  limit,
  name: { localizedValue, value },
  unit: "Count",
});

export const refusal = (code: string, message: string) => ({ error: { code, message } });
