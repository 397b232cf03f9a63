/** A tenant's namespace: everything the services find there before they are deployed. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Footing, StoreConnections } from "../connections.ts";
import { IDENTITY_SERVICES, SERVICE_NAMES } from "../services/catalogue.ts";
import { STORE_SECRETS } from "../services/environment.ts";
import { API_CLIENTS } from "../services/manifests.ts";
import { TIER_TABLE } from "../tiers.ts";
import { planLimitRange, planNamespaceLabels, planQuota, planRoles } from "./manifests.ts";
import { parseBootstrapPorts, planIdentityPolicy, planNetworkPolicies, planStorePolicy } from "./policies.ts";

export interface TenantNamespaceArgs extends Footing {
  /** `tenant-<slug>` on the shared cluster, `matih` on a dedicated one. */
  namespace: string;
  stores: StoreConnections;
  /** Client id of the managed identity that the services' accounts stand for; dedicated only. */
  workloadClientId?: pulumi.Input<string>;
}

/** Namespace, quota, limits, rights, service accounts, network policies and the stores' credentials. */
export class TenantNamespace extends pulumi.ComponentResource {
  readonly namespace: pulumi.Output<string>;
  /** The namespace itself: on the shared cluster it takes what is in it along when it goes. */
  readonly resource: pulumi.Resource;

  constructor(name: string, args: TenantNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:kubernetes:TenantNamespace", name, {}, opts);
    const { tenant, tier, deletedWith } = args;
    const namespace = new kubernetes.core.v1.Namespace(
      name,
      { metadata: { name: args.namespace, labels: planNamespaceLabels(tenant, tier) } },
      { parent: this, deletedWith },
    );
    const place: Place = {
      name,
      namespace: namespace.metadata.name,
      labels: { "matih.ai/tenant-slug": tenant.slug },
      // Deleting a namespace deletes what is in it; the cluster, where there is one, goes before both.
      options: { parent: this, deletedWith: deletedWith ?? namespace },
    };
    this.limit(place, args);
    this.grant(place, args);
    this.separate(place, args);
    this.provideCredentials(place, args.stores);

    this.namespace = namespace.metadata.name;
    this.resource = namespace;
    this.registerOutputs({ namespace: this.namespace });
  }

  private limit({ name, namespace, labels, options }: Place, { tier }: TenantNamespaceArgs): void {
    new kubernetes.core.v1.ResourceQuota(
      name,
      { metadata: { name: "tenant", namespace, labels }, spec: { hard: planQuota(TIER_TABLE[tier]) } },
      options,
    );
    new kubernetes.core.v1.LimitRange(
      name,
      { metadata: { name: "tenant", namespace, labels }, spec: { limits: [planLimitRange()] } },
      options,
    );
  }

  private grant({ name, namespace, labels, options }: Place, args: TenantNamespaceArgs): void {
    for (const service of SERVICE_NAMES) {
      const annotations = args.workloadClientId
        ? { "azure.workload.identity/client-id": args.workloadClientId }
        : undefined;
      new kubernetes.core.v1.ServiceAccount(
        `${name}-${service}`,
        { metadata: { name: service, namespace, labels, annotations }, automountServiceAccountToken: false },
        options,
      );
    }
    const subjects = {
      "workload-observer": API_CLIENTS.map((service) => ({
        kind: "ServiceAccount",
        name: service,
        namespace: args.namespace,
      })),
      "tenant-viewer": [
        { kind: "Group", name: `tenant:${args.tenant.slug}:viewers`, apiGroup: "rbac.authorization.k8s.io" },
      ],
    };
    for (const [role, rules] of entriesOf(planRoles())) {
      const metadata = { name: role, namespace, labels };
      const declared = new kubernetes.rbac.v1.Role(`${name}-${role}`, { metadata, rules }, options);
      new kubernetes.rbac.v1.RoleBinding(
        `${name}-${role}`,
        {
          metadata,
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role },
          subjects: subjects[role],
        },
        { ...options, dependsOn: [declared] },
      );
    }
  }

  private separate(
    { name, namespace, labels, options }: Place,
    { stores, workloadClientId }: TenantNamespaceArgs,
  ): void {
    const ports = pulumi
      .all([stores.postgres.port, stores.cache.port, stores.kafka.bootstrapServers])
      .apply(([postgres, cache, kafka]) => [postgres, cache, ...parseBootstrapPorts(kafka)]);
    const policies = {
      ...planNetworkPolicies(),
      "allow-to-stores": ports.apply(planStorePolicy),
      ...(workloadClientId ? { "allow-identity-to-https": planIdentityPolicy(IDENTITY_SERVICES) } : {}),
    };
    for (const [policy, spec] of Object.entries(policies)) {
      new kubernetes.networking.v1.NetworkPolicy(
        `${name}-${policy}`,
        { metadata: { name: policy, namespace, labels }, spec },
        options,
      );
    }
  }

  private provideCredentials({ name, namespace, labels, options }: Place, stores: StoreConnections): void {
    const credentials = {
      postgres: { username: stores.postgres.user, ...passwordKeys(stores.postgres.password) },
      redis: passwordKeys(stores.cache.password),
    };
    for (const [store, stringData] of entriesOf(credentials)) {
      new kubernetes.core.v1.Secret(
        `${name}-${store}`,
        { metadata: { name: STORE_SECRETS[store], namespace, labels }, type: "Opaque", stringData },
        options,
      );
    }
  }
}

/** Where the namespace's objects go and what they have in common. */
interface Place {
  name: string;
  namespace: pulumi.Output<string>;
  labels: Record<string, string>;
  options: pulumi.CustomResourceOptions;
}

/** As it is, and as a part of an address, where `/` and `@` would end it early. */
function passwordKeys(password: pulumi.Output<string>): Record<string, pulumi.Output<string>> {
  const kept = pulumi.secret(password);
  return { password: kept, passwordUrlEncoded: kept.apply(encodeURIComponent) };
}

function entriesOf<K extends string, V>(record: Record<K, V>): [K, V][] {
  return Object.entries(record) as [K, V][];
}
