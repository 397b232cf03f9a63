/** Microsoft.ManagedIdentity, Microsoft.Authorization and resource groups. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import { badRequest, conflict } from "../errors.ts";
import { stringAt, valueAt } from "../http.ts";
import { idKey, scopeOf } from "../path.ts";
import { plain } from "./behaviour.ts";
import type { PutContext, TypeBehaviour } from "./behaviour.ts";

const resourceGroups: TypeBehaviour = {
  type: "Microsoft.Resources/resourceGroups",
  put: { created: 201, updated: 200 },
  delete: { accepted: 202, operation: "location" },
  hasState: true,
  nameError: { code: "InvalidResourceGroupName", message: "The resource group name is invalid." },
  namePattern: /^[-\w._()]{0,89}[-\w_()]$/u,
};

const identities: TypeBehaviour = {
  type: "Microsoft.ManagedIdentity/userAssignedIdentities",
  ...plain,
  lowerGroups: true,
  outputs: ({ cloud, resource, previous }) => {
    if (previous !== undefined) return {};
    const tenantId = cloud.directory.subscription(resource.subscriptionId)?.tenantId;
    return { properties: { tenantId, principalId: randomUUID(), clientId: randomUUID() } };
  },
};

const credentialType = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";
const credentialLimit = 20;

const federatedIdentityCredentials: TypeBehaviour = {
  type: credentialType,
  ...plain,
  lowerGroups: true,
  check: ({ cloud, resource }) => {
    const others = cloud.store
      .list(credentialType, resource.id.split("/").slice(0, -2).join("/"))
      .filter((one) => one.id !== resource.id);
    const [issuer, subject] = ["issuer", "subject"].map((name) =>
      stringAt(resource.body, `properties.${name}`),
    );
    const isSame = (one: { body: unknown }): boolean =>
      stringAt(one.body, "properties.issuer") === issuer &&
      stringAt(one.body, "properties.subject") === subject;
    if (others.some(isSame)) {
      throw conflict("Conflict", "Issuer and subject combination already exists for this Managed Identity.");
    }
    if (others.length < credentialLimit) return;
    throw badRequest(
      "BadRequest",
      `The maximum of ${credentialLimit} federated identity credentials has been reached for this Managed Identity.`,
    );
  },
};

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const fixed = { code: "RoleAssignmentUpdateNotPermitted" };

const roleAssignments: TypeBehaviour = {
  type: "Microsoft.Authorization/roleAssignments",
  put: { created: 201, updated: 201 },
  delete: { accepted: 200 },
  isExtension: true,
  nameError: {
    code: "InvalidRoleAssignmentId",
    message: "The role assignment ID is not valid. The role assignment ID must be a GUID.",
  },
  namePattern: uuid,
  createOnly: [
    { path: "properties.principalId", ...fixed },
    { path: "properties.roleDefinitionId", ...fixed },
  ],
  defaults: () => ({ properties: { principalType: "User" } }),
  check: checkAssignment,
  outputs: ({ caller, resource, previous }) => ({
    properties: {
      scope: scopeOf(resource.id) || "/",
      createdOn: resource.createdAt,
      updatedOn: resource.changedAt,
      createdBy: previous?.createdBy ?? caller.objectId,
      updatedBy: caller.objectId,
    },
  }),
};

/** What a principal is, looked up by object id: the directory's, a managed identity's, or one of a resource. */
function isKnownPrincipal(cloud: Cloud, objectId: string): boolean {
  return (
    cloud.directory.principals.some((principal) => principal.objectId === objectId) ||
    cloud.store.all().some((resource) => {
      const ids = [
        "properties.principalId",
        "properties.identityProfile.kubeletidentity.objectId",
        "identity.principalId",
      ];
      return (
        !resource.type.endsWith("/roleAssignments") &&
        ids.some((path) => valueAt(resource.body, path) === objectId)
      );
    })
  );
}

function checkAssignment({ cloud, resource, previous }: PutContext): void {
  const principalId = stringAt(resource.body, "properties.principalId") ?? "";
  const definitionId = stringAt(resource.body, "properties.roleDefinitionId") ?? "";
  const principalType = stringAt(resource.body, "properties.principalType");
  if (
    !/\/providers\/Microsoft\.Authorization\/roleDefinitions\/[^/]+$/i.test(definitionId) ||
    !uuid.test(definitionId.slice(-36))
  ) {
    throw badRequest(
      "RoleDefinitionDoesNotExist",
      `The specified role definition with ID '${definitionId}' does not exist.`,
      "properties.roleDefinitionId",
    );
  }
  if (previous !== undefined) return;
  const isKnown = isKnownPrincipal(cloud, principalId);
  // A given ServicePrincipal is taken without a look at the directory: a fresh identity may not have arrived there.
  if (principalType !== "ServicePrincipal" && !isKnown) {
    throw badRequest(
      "PrincipalNotFound",
      `Principal ${principalId.replaceAll("-", "")} does not exist in the directory ${cloud.directory.subscription(resource.subscriptionId)?.tenantId ?? ""}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.`,
    );
  }
  if (principalType !== "ServicePrincipal") {
    throw badRequest(
      "UnmatchedPrincipalType",
      `The PrincipalId '${principalId.replaceAll("-", "")}' has type 'ServicePrincipal', which is different from specified PrincipalType '${principalType ?? ""}'.`,
    );
  }
  const twin = cloud.store
    .list(resource.type)
    .filter((one) => idKey(scopeOf(one.id)) === idKey(scopeOf(resource.id)))
    .find(
      (one) =>
        stringAt(one.body, "properties.principalId") === principalId &&
        stringAt(one.body, "properties.roleDefinitionId")?.slice(-36).toLowerCase() ===
          definitionId.slice(-36).toLowerCase(),
    );
  if (twin !== undefined && idKey(twin.id) !== idKey(resource.id)) {
    throw conflict(
      "RoleAssignmentExists",
      `The role assignment already exists. The ID of the existing role assignment is ${twin.name.replaceAll("-", "")}.`,
    );
  }
}

const locks: TypeBehaviour = { type: "Microsoft.Authorization/locks", ...plain, isExtension: true };

export const identity: TypeBehaviour[] = [
  resourceGroups,
  identities,
  federatedIdentityCredentials,
  roleAssignments,
  locks,
];
