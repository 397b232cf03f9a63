import { DefaultAzureCredential } from "@azure/identity";
import type { TokenCredential } from "@azure/identity";
import type { Cloud } from "../azure/cloud.ts";
import { createPrincipalCredential } from "../azure/service-principal.ts";
import type { Login } from "./login.ts";

/** A login's credential, or the machine's own. */
export function credentialOf(login: Login | undefined, cloud: Cloud): TokenCredential {
  if (!login) return new DefaultAzureCredential();
  return createPrincipalCredential(cloud, login.azureTenantId, login.clientId, login.clientSecret);
}
