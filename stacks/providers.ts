import { Provider } from "@pulumi/azure-native/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type { Login } from "./cluster/cluster.ts";
import type { ProgramSettings } from "./spec.ts";

/** How azure-native finds a cloud that is not public Azure: by its metadata, without asking Microsoft's directory first. */
export function planMetadataHost(settings: ProgramSettings): {
  metadataHost?: string;
  disableInstanceDiscovery?: boolean;
} {
  return settings.metadataHost ? { metadataHost: settings.metadataHost, disableInstanceDiscovery: true } : {};
}

/** The platform's principal: of the settings, or the ambient one. */
export function planPlatformLogin(settings: ProgramSettings): Login {
  const { clientId, azureTenantId } = settings.platform;
  return {
    clientId,
    azureTenantId,
    clientSecret: settings.platformClientSecret ? pulumi.secret(settings.platformClientSecret) : undefined,
  };
}

/** Reaches the platform's own subscription. */
export function createPlatformProvider(
  name: string,
  settings: ProgramSettings,
  opts?: pulumi.ResourceOptions,
): Provider {
  const { subscriptionId, useDefaultCredential } = settings.platform;
  return new Provider(
    name,
    {
      ...planPlatformLogin(settings),
      ...planMetadataHost(settings),
      tenantId: settings.platform.azureTenantId,
      subscriptionId,
      useDefaultAzureCredential: useDefaultCredential || undefined,
    },
    opts,
  );
}
