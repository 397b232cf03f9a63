/** The ingress controller of a cluster, behind a public address that is declared apart from it. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { IngressAddress } from "../connections.ts";
import { INGRESS_NAMESPACE } from "../kubernetes/policies.ts";
import * as plan from "./controller-manifests.ts";
import { INGRESS_CLASS } from "./plan.ts";

export interface IngressControllerArgs extends Pick<IngressAddress, "publicIpName" | "resourceGroupName"> {
  replicas: number;
  /** The dedicated cluster; absent on the shared one. */
  deletedWith?: pulumi.Resource;
}

/** Namespace, rights, settings, controller, class and load balancer. */
export class IngressController extends pulumi.ComponentResource {
  /** The address that the load balancer got, read back from its status. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: IngressControllerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:ingress:IngressController", name, {}, opts);
    const labels = plan.planControllerLabels();
    const shared: pulumi.CustomResourceOptions = { parent: this, deletedWith: args.deletedWith };
    const namespace = new kubernetes.core.v1.Namespace(
      `${name}-ingress`,
      { metadata: { name: INGRESS_NAMESPACE, labels: plan.planControllerNamespaceLabels() } },
      shared,
    );
    const metadata = { name: plan.CONTROLLER_NAME, namespace: namespace.metadata.name, labels };
    const inside = { ...shared, deletedWith: args.deletedWith ?? namespace };

    const account = new kubernetes.core.v1.ServiceAccount(`${name}-ingress`, { metadata }, inside);
    const binding = this.grant(`${name}-ingress`, account, labels, shared);
    const settings = new kubernetes.core.v1.ConfigMap(
      `${name}-ingress`,
      { metadata, data: plan.planControllerSettings() },
      inside,
    );
    const ingressClass = new kubernetes.networking.v1.IngressClass(
      `${name}-ingress`,
      {
        metadata: { name: INGRESS_CLASS, labels },
        spec: { controller: "haproxy.org/ingress-controller/haproxy" },
      },
      shared,
    );
    const deployment = new kubernetes.apps.v1.Deployment(
      `${name}-ingress`,
      { metadata, spec: plan.planControllerDeployment(args.replicas) },
      { ...inside, dependsOn: [binding, settings, ingressClass] },
    );
    new kubernetes.policy.v1.PodDisruptionBudget(
      `${name}-ingress`,
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: plan.CONTROLLER_SELECTOR } } },
      inside,
    );
    this.address = this.publish(`${name}-ingress`, args, metadata, { ...inside, dependsOn: [deployment] });
    this.registerOutputs({ address: this.address });
  }

  private grant(
    name: string,
    account: kubernetes.core.v1.ServiceAccount,
    labels: Record<string, string>,
    options: pulumi.CustomResourceOptions,
  ): pulumi.Resource {
    const metadata = { name: plan.CONTROLLER_NAME, labels };
    const role = new kubernetes.rbac.v1.ClusterRole(
      name,
      { metadata, rules: plan.planControllerRules() },
      options,
    );
    return new kubernetes.rbac.v1.ClusterRoleBinding(
      name,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
        subjects: [
          { kind: "ServiceAccount", name: account.metadata.name, namespace: account.metadata.namespace },
        ],
      },
      options,
    );
  }

  private publish(
    name: string,
    args: IngressControllerArgs,
    metadata: { name: string; namespace: pulumi.Output<string>; labels: Record<string, string> },
    options: pulumi.CustomResourceOptions,
  ): pulumi.Output<string> {
    const annotations = {
      "service.beta.kubernetes.io/azure-pip-name": args.publicIpName,
      "service.beta.kubernetes.io/azure-load-balancer-resource-group": args.resourceGroupName,
    };
    const service = new kubernetes.core.v1.Service(
      name,
      { metadata: { ...metadata, annotations }, spec: plan.planControllerService() },
      options,
    );
    return service.status.apply((status) => status?.loadBalancer?.ingress?.[0]?.ip ?? "");
  }
}
