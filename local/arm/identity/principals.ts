/** The service principals of the local directory. Each is there to try one thing; the table says which. */
import {
  contributor,
  contributorWithoutRegistration,
  owner,
  reader,
  userAccessAdministrator,
} from "./roles.ts";
import type { RoleDefinition } from "./roles.ts";

/** How a principal's reference in the platform's vault relates to the secret the directory accepts. */
type SecretKind = "good" | "wrong" | "expired";

export interface PrincipalSeed {
  /** Also the reference's name in the vault, unless `reference` says otherwise. */
  name: string;
  purpose: string;
  secret: SecretKind;
  reference?: string;
  /** The specification's own words instead of UUIDs. */
  ids?: { clientId: string; tenantName: string; subscriptionId: string };
  /** Roles on its subscription. */
  roles: RoleDefinition[];
  /** `absent`: an id that no subscription has. */
  subscription: "present" | "absent";
  /** Resource provider namespaces not registered in its subscription. */
  unregistered?: string[];
  /** Regional core quota; the others have plenty. */
  coreLimit?: number;
}

const deployer = [contributor, userAccessAdministrator];

export const principalSeeds: readonly PrincipalSeed[] = [
  {
    name: "tierlift-platform",
    purpose: "The platform's own: shared cluster, shared stores, zones, and the vault with the references.",
    secret: "good",
    roles: [owner],
    subscription: "present",
  },
  {
    name: "sp-tenant",
    purpose: "A tenant's, in order: may be submitted.",
    secret: "good",
    roles: deployer,
    subscription: "present",
  },
  {
    name: "sp-specification",
    purpose: "In order as well, under the ids that the specification's request examples use literally.",
    secret: "good",
    reference: "keyvault-secret-ref",
    ids: {
      clientId: "sp-client-id",
      tenantName: "azure-tenant-id",
      subscriptionId: "azure-subscription-id",
    },
    roles: deployer,
    subscription: "present",
  },
  {
    name: "sp-wrong-secret",
    purpose: "The reference holds a value that is not its secret: AADSTS7000215 at the token endpoint.",
    secret: "wrong",
    roles: deployer,
    subscription: "present",
  },
  {
    name: "sp-expired-secret",
    purpose: "Its secret ran out: AADSTS7000222 at the token endpoint.",
    secret: "expired",
    roles: deployer,
    subscription: "present",
  },
  {
    name: "sp-no-role",
    purpose:
      "Gets a token but holds no role on the subscription: 403 AuthorizationFailed on everything in it.",
    secret: "good",
    roles: [],
    subscription: "present",
  },
  {
    name: "sp-reader",
    purpose: "Reader only: sees everything, makes nothing.",
    secret: "good",
    roles: [reader],
    subscription: "present",
  },
  {
    name: "sp-contributor",
    purpose: "Contributor only: makes resources, but no role assignments and no locks.",
    secret: "good",
    roles: [contributor],
    subscription: "present",
  },
  {
    name: "sp-no-subscription",
    purpose: "Names a subscription that does not exist: 404 SubscriptionNotFound.",
    secret: "good",
    roles: [],
    subscription: "absent",
  },
  {
    name: "sp-unregistered",
    purpose:
      "Microsoft.ContainerService and .DBforPostgreSQL are not registered and it may not register them.",
    secret: "good",
    roles: [contributorWithoutRegistration, userAccessAdministrator],
    subscription: "present",
    unregistered: ["Microsoft.ContainerService", "Microsoft.DBforPostgreSQL"],
  },
  {
    name: "sp-low-quota",
    purpose: "Its subscription has 4 regional cores: too few for any dedicated cluster.",
    secret: "good",
    roles: deployer,
    subscription: "present",
    coreLimit: 4,
  },
];
