/** The way in to a tenant's services. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Footing, IngressHosts } from "../connections.ts";
import { TIER_TABLE } from "../tiers.ts";
import { planIngress, planIngressAnnotations, TLS_SECRET } from "./plan.ts";

export interface TenantIngressArgs extends Footing, IngressHosts {
  namespace: pulumi.Input<string>;
}

/** One Ingress for all of the tenant's hosts, with the certificate handed in or one that cert-manager gets. */
export class TenantIngress extends pulumi.ComponentResource {
  constructor(name: string, args: TenantIngressArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:ingress:TenantIngress", name, {}, opts);
    const { namespace, tenant, tier, tls, certificateIssuer, deletedWith } = args;
    if (!tls && !certificateIssuer) {
      throw new pulumi.InputPropertyError({
        propertyPath: "tls",
        reason: `The hosts of tenant ${tenant.slug} need a certificate: hand one in as tls, or name a certificateIssuer.`,
      });
    }
    const labels = { "matih.ai/tenant-slug": tenant.slug };
    const options: pulumi.CustomResourceOptions = { parent: this, deletedWith };
    const certificate =
      tls &&
      new kubernetes.core.v1.Secret(
        `${name}-tls`,
        {
          metadata: { name: TLS_SECRET, namespace, labels },
          type: "kubernetes.io/tls",
          stringData: { "tls.crt": tls.certificatePem, "tls.key": pulumi.secret(tls.privateKeyPem) },
        },
        options,
      );
    new kubernetes.networking.v1.Ingress(
      name,
      {
        metadata: {
          name: "tenant",
          namespace,
          labels,
          annotations: planIngressAnnotations(
            TIER_TABLE[tier].apiRatePerMinute,
            tls ? undefined : certificateIssuer,
          ),
        },
        spec: pulumi.all(args.domains).apply(planIngress),
      },
      { ...options, dependsOn: certificate ? [certificate] : [] },
    );
    this.registerOutputs({});
  }
}
