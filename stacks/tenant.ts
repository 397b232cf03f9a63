/** A tenant's stack: slice, dedicated footprint and the names that point at one of them. */
import * as pulumi from "@pulumi/pulumi";
import type { ProgramHooks, ProgramSecrets, ProgramSettings, TenantSpec } from "./spec.ts";
import { createPlatformProvider, planPlatformLogin } from "./providers.ts";
import { readPlatform } from "./platform-reference.ts";
import { deriveTenantPassword } from "./passwords.ts";
import { Dedicated } from "./dedicated/dedicated.ts";
import { NextRecords } from "./dns/next-records.ts";
import { TenantZone } from "./dns/tenant-zone.ts";
import { checkDnsTargets } from "./dns/plan.ts";
import { waitBeforeSwitch } from "./dns/switch.ts";
import { Slice } from "./slice/slice.ts";
import { planRoleName } from "./naming.ts";

/** Declares what `spec` asks for and returns the stack's outputs. */
export function declareTenant(
  spec: TenantSpec,
  secrets: ProgramSecrets,
  settings: ProgramSettings,
  hooks: ProgramHooks = {},
): Record<string, unknown> {
  const { tenant } = spec;
  // Before anything is registered: what is declared ahead of an error is made all the same.
  checkDnsTargets(spec);
  const clientSecret = spec.dedicated && requireSecret(secrets.clientSecret, tenant.slug);
  const platform = readPlatform(settings.platformStack);
  const zoneName = pulumi.interpolate`${tenant.slug}.${platform.zoneName}`;
  const tls = secrets.tls && {
    certificatePem: pulumi.secret(secrets.tls.certificatePem),
    privateKeyPem: pulumi.secret(secrets.tls.privateKeyPem),
  };

  const sharedBlobs = {
    metadataHost: settings.metadataHost,
    source: { ...platform.blobs, login: planPlatformLogin(settings) },
  };

  const sharedCache = settings.absentStores?.includes("cache") ? undefined : platform.stores.cache;
  const sharedKafka = settings.absentStores?.includes("kafka")
    ? undefined
    : {
        metadataHost: settings.metadataHost,
        source: { ...platform.stores.kafka, login: planPlatformLogin(settings) },
      };

  const slice =
    spec.slice &&
    new Slice(tenant.slug, {
      tenant,
      tier: spec.slice.tier,
      kubeconfig: platform.kubeconfig,
      clusterId: platform.clusterId,
      stores: {
        ...platform.stores,
        // The tenant's own role on the shared server: it sees the tenant's rows only.
        postgres: {
          ...platform.stores.postgres,
          user: pulumi.output(planRoleName(tenant.slug)),
          password: pulumi.secret(deriveTenantPassword(secrets.passwordSeed, tenant.id, "postgres")),
        },
      },
      // For the data command, which makes and removes the role.
      administrator: platform.stores.postgres,
      databases: platform.databases,
      blobs: sharedBlobs,
      ...(sharedCache && { cache: { source: sharedCache } }),
      ...(sharedKafka && { kafka: sharedKafka }),
      images: settings.images,
      dataCommand: settings.dataCommand,
      ingress: { domains: [zoneName], tls, certificateIssuer: settings.certificateIssuer },
    });

  const dedicated =
    spec.dedicated &&
    clientSecret &&
    new Dedicated(tenant.slug, {
      tenant,
      ...spec.dedicated,
      clientSecret,
      passwordSeed: secrets.passwordSeed,
      settings,
      zoneName,
      tls,
      source: { ...platform.stores.postgres, databases: platform.databases },
      sharedBlobs,
      ...(sharedCache && { sharedCache }),
      ...(sharedKafka && { sharedKafka }),
    });

  const target = (spec.route === "dedicated" && dedicated?.ingressAddress) || platform.ingressAddress;
  const provider = createPlatformProvider("platform", settings);
  const zone = new TenantZone(
    tenant.slug,
    {
      tenant,
      zoneName,
      parentZoneName: platform.zoneName,
      resourceGroupName: platform.zoneResourceGroup,
      target: waitBeforeSwitch(target, [slice, dedicated], hooks),
      ttlSeconds: spec.recordTtlSeconds,
    },
    { providers: [provider] },
  );
  if (spec.next && dedicated?.ingressAddress) {
    new NextRecords(
      tenant.slug,
      {
        zoneName: zone.zoneName,
        resourceGroupName: platform.zoneResourceGroup,
        target: dedicated.ingressAddress,
        ttlSeconds: spec.recordTtlSeconds,
      },
      { providers: [provider] },
    );
  }

  return {
    slice: slice
      ? {
          namespace: slice.namespace,
          ingressAddress: platform.ingressAddress,
          serviceEndpoints: slice.endpoints,
        }
      : null,
    dedicated: dedicated ? dedicated.summary : null,
    zone: { name: zone.zoneName, id: zone.zoneId, nameServers: zone.nameServers },
    records: zone.records,
  };
}

function requireSecret(value: string | undefined, slug: string): pulumi.Output<string> {
  if (!value) {
    throw new pulumi.RunError(
      `Tenant ${slug} has a dedicated footprint, and the secret of its service principal is missing: hand in clientSecret.`,
    );
  }
  return pulumi.secret(value);
}
