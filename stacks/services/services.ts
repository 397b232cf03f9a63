/** The 13 services of a tenant in one namespace. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Footing, StoreConnections } from "../connections.ts";
import { OTLP_ENDPOINT } from "../observability/collector.ts";
import { SERVICES, SERVICE_NAMES } from "./catalogue.ts";
import type { ServiceDefinition, ServiceName } from "./catalogue.ts";
import { planEnvironment, planRedisScheme } from "./environment.ts";
import type { StoreAddresses } from "./environment.ts";
import { planImage, planService } from "./manifests.ts";
import type { ServiceManifests } from "./manifests.ts";
import { TIER_TABLE } from "../tiers.ts";
import { planPoolSize, sizeOf } from "./sizing.ts";

export interface ServicesArgs extends Footing {
  namespace: pulumi.Input<string>;
  images: { registry: string; tag: string };
  stores: StoreConnections;
}

/**
 * A Deployment, Service, PodDisruptionBudget and, where it scales, HorizontalPodAutoscaler for each service. A service
 * waits for the rollout of those it needs; the others start side by side, in the order of the catalogue.
 */
export class Services extends pulumi.ComponentResource {
  /** Where each service answers inside the cluster. */
  readonly endpoints: Record<string, pulumi.Output<string>>;

  constructor(name: string, args: ServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:services:Services", name, {}, opts);
    const addresses = addressesOf(args.stores);
    const deployed = new Map<ServiceName, pulumi.Resource[]>();
    const dedicated = args.tier === "PROFESSIONAL" || args.tier === "ENTERPRISE";

    for (const service of SERVICE_NAMES) {
      const definition: ServiceDefinition = SERVICES[service];
      const manifests = planService(service, {
        image: planImage(service, args.images),
        environment: planEnvironment(service, definition, addresses, {
          otlpEndpoint: dedicated ? OTLP_ENDPOINT : undefined,
          poolSize: planPoolSize(service, args.tier),
        }),
        size: sizeOf(service, args.tier),
        // A tier without a promise has single pods: nothing to spread.
        spread: TIER_TABLE[args.tier].slaPercent !== null,
        workloadIdentity: dedicated,
      });
      const needed = definition.needs.flatMap((need) => deployed.get(need) ?? []);
      deployed.set(service, this.deploy(`${name}-${service}`, service, manifests, args, needed));
    }

    this.endpoints = Object.fromEntries(
      SERVICE_NAMES.map((service) => [
        service,
        pulumi.interpolate`http://${service}.${args.namespace}.svc.cluster.local:${SERVICES[service].port}`,
      ]),
    );
    this.registerOutputs({ endpoints: this.endpoints });
  }

  private deploy(
    name: string,
    service: ServiceName,
    manifests: ServiceManifests,
    { namespace, tenant, deletedWith }: ServicesArgs,
    needed: pulumi.Resource[],
  ): pulumi.Resource[] {
    const metadata = {
      name: service,
      namespace,
      labels: { "app.kubernetes.io/name": service, "matih.ai/tenant-slug": tenant.slug },
    };
    const options: pulumi.CustomResourceOptions = { parent: this, deletedWith };
    const deployment = new kubernetes.apps.v1.Deployment(
      name,
      { metadata, spec: manifests.deployment },
      { ...options, dependsOn: needed },
    );
    // After the Deployment: the provider waits for a Service until a pod stands behind it.
    const behind = { ...options, dependsOn: [deployment] };
    const address = new kubernetes.core.v1.Service(name, { metadata, spec: manifests.service }, behind);
    new kubernetes.policy.v1.PodDisruptionBudget(
      name,
      { metadata, spec: manifests.disruptionBudget },
      options,
    );
    if (manifests.autoscaler) {
      new kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
        name,
        { metadata, spec: manifests.autoscaler },
        behind,
      );
    }
    return [deployment, address];
  }
}

function addressesOf({ postgres, cache, kafka }: StoreConnections): StoreAddresses {
  return {
    postgresHost: postgres.host,
    postgresPort: postgres.port.apply(String),
    redisHost: cache.host,
    redisPort: cache.port.apply(String),
    redisScheme: cache.port.apply(planRedisScheme),
    kafkaBootstrapServers: kafka.bootstrapServers,
  };
}
