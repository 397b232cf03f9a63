/** Microsoft.ContainerRegistry. */
import { randomBytes } from "node:crypto";
import { badRequest, conflict } from "../errors.ts";
import { recordAt, stringAt, valueAt } from "../http.ts";
import { idKey } from "../path.ts";
import { asynchronous } from "./behaviour.ts";
import type { TypeBehaviour } from "./behaviour.ts";

const registries: TypeBehaviour = {
  type: "Microsoft.ContainerRegistry/registries",
  ...asynchronous,
  hasState: true,
  nameError: {
    code: "InvalidRegistryName",
    message:
      "The registry name is invalid. Registry names may contain alphanumeric characters only and must be between 5 and 50 characters.",
  },
  namePattern: /^[a-zA-Z0-9]{5,50}$/,
  createOnly: [{ path: "properties.zoneRedundancy" }],
  writeOnly: ["private"],
  defaults: () => ({
    properties: {
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      dataEndpointEnabled: false,
      networkRuleBypassOptions: "AzureServices",
      publicNetworkAccess: "Enabled",
      zoneRedundancy: "Disabled",
    },
  }),
  check: ({ cloud, resource, previous }) => {
    const others = cloud.store.list(resource.type).filter((one) => idKey(one.id) !== idKey(resource.id));
    if (
      previous === undefined &&
      others.some((one) => one.name.toLowerCase() === resource.name.toLowerCase())
    ) {
      throw conflict(
        "AlreadyInUse",
        `The registry DNS name ${resource.name.toLowerCase()}.azurecr.io is already in use.`,
      );
    }
  },
  outputs: ({ resource, previous }) => ({
    sku: { tier: stringAt(resource.body, "sku.name") },
    ...(previous === undefined
      ? {
          private: {
            passwords: [randomBytes(32).toString("base64url"), randomBytes(32).toString("base64url")],
          },
          properties: {
            loginServer: `${resource.name.toLowerCase()}.azurecr.io`,
            creationDate: resource.createdAt,
          },
        }
      : {}),
  }),
  actions: {
    listcredentials: ({ resource }) => {
      if (valueAt(resource.body, "properties.adminUserEnabled") !== true) {
        throw badRequest(
          "UnAuthorizedForCredentialOperations",
          "Cannot perform credential operations as admin user is disabled. Kindly enable admin user as per docs: https://docs.microsoft.com/en-us/azure/container-registry/container-registry-authentication#admin-account",
        );
      }
      const passwords = recordAt(resource.body, "private")["passwords"] as string[];
      return {
        username: resource.name,
        passwords: passwords.map((value, index) => ({ name: index === 0 ? "password" : "password2", value })),
      };
    },
  },
};

export const registry: TypeBehaviour[] = [registries];
