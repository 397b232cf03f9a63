import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { IngressController } from "../../../stacks/ingress/controller.ts";
import { planHosts, planIngress, planIngressAnnotations } from "../../../stacks/ingress/plan.ts";
import { TenantIngress } from "../../../stacks/ingress/tenant-ingress.ts";
import { SERVICE_NAMES } from "../../../stacks/services/catalogue.ts";
import { record, revealSecret, tenant } from "../kubernetes/recorder.ts";

describe("the ingress of a tenant", () => {
  it("answers by the domain, api, bi and each service", () => {
    const hosts = planHosts("acme.matih.ai").map(({ host }) => host);
    expect(hosts).toEqual([
      "acme.matih.ai",
      "bi.acme.matih.ai",
      "api.acme.matih.ai",
      ...SERVICE_NAMES.map((name) => `${name}.acme.matih.ai`),
    ]);
  });

  it("covers the hosts of every domain by one certificate, within the hundred names one may have", () => {
    const { tls, rules } = planIngress(["acme.matih.ai", "next.acme.matih.ai"]) as {
      tls: { hosts: string[] }[];
      rules: { host: string }[];
    };
    expect(tls).toHaveLength(1);
    expect(tls[0]!.hosts).toEqual(rules.map(({ host }) => host));
    expect(new Set(tls[0]!.hosts).size).toBe(32);
  });

  it("leads to the service's own port", () => {
    const { rules } = planIngress(["acme.matih.ai"]) as { rules: { http: unknown }[] };
    expect(rules[0]!.http).toEqual({
      paths: [
        {
          path: "/",
          pathType: "Prefix",
          backend: { service: { name: "bi-service", port: { number: 8084 } } },
        },
      ],
    });
  });

  it("counts requests by the minute and answers 429 above the tier's rate", () => {
    expect(planIngressAnnotations(5000)).toEqual({
      "haproxy.org/ssl-redirect": "true",
      "haproxy.org/ssl-redirect-code": "308",
      "haproxy.org/rate-limit-requests": "5000",
      "haproxy.org/rate-limit-period": "1m",
      "haproxy.org/rate-limit-status-code": "429",
    });
  });

  const declare = (args: Partial<ConstructorParameters<typeof TenantIngress>[1]>) =>
    record(
      () =>
        new TenantIngress("acme", { tenant, tier: "STARTER", namespace: "n", domains: ["d.test"], ...args }),
    );

  it("serves the certificate handed in, kept as a secret", async () => {
    const tls = { certificatePem: pulumi.secret("certificate"), privateKeyPem: pulumi.secret("key") };
    const declared = await declare({ tls, certificateIssuer: "letsencrypt" });
    const [secret] = declared.of("kubernetes:core/v1:Secret");
    expect(secret!.inputs).toMatchObject({ type: "kubernetes.io/tls", metadata: { name: "tenant-tls" } });
    expect(revealSecret(secret!.inputs.stringData)).toEqual({ "tls.crt": "certificate", "tls.key": "key" });
    const [ingress] = declared.of("kubernetes:networking.k8s.io/v1:Ingress");
    expect(JSON.stringify(ingress!.inputs)).not.toContain("cert-manager");
  });

  it("asks the issuer where none is handed in", async () => {
    const declared = await declare({ certificateIssuer: "letsencrypt" });
    expect(declared.of("kubernetes:core/v1:Secret")).toEqual([]);
    expect(declared.of("kubernetes:networking.k8s.io/v1:Ingress")[0]!.inputs.metadata).toMatchObject({
      annotations: {
        "cert-manager.io/cluster-issuer": "letsencrypt",
        "haproxy.org/rate-limit-requests": "1000",
      },
    });
  });

  it("refuses to be without a certificate", async () => {
    await expect(declare({})).rejects.toThrow(/need a certificate/);
  });
});

describe("the ingress controller", () => {
  it("stands behind the public address it is given", async () => {
    const declared = await record(
      () =>
        new IngressController("acme", {
          replicas: 2,
          publicIpName: pulumi.output("pip-acme-ingress"),
          resourceGroupName: pulumi.output("rg-tierlift-acme"),
        }),
    );
    expect(declared.of("kubernetes:core/v1:Service")[0]!.inputs).toMatchObject({
      metadata: {
        annotations: {
          "service.beta.kubernetes.io/azure-pip-name": "pip-acme-ingress",
          "service.beta.kubernetes.io/azure-load-balancer-resource-group": "rg-tierlift-acme",
        },
      },
      spec: { type: "LoadBalancer", externalTrafficPolicy: "Local" },
    });
    expect(
      declared.resources
        .map(({ type }) => type)
        .filter((type) => type.startsWith("kubernetes:"))
        .sort(),
    ).toEqual([
      "kubernetes:apps/v1:Deployment",
      "kubernetes:core/v1:ConfigMap",
      "kubernetes:core/v1:Namespace",
      "kubernetes:core/v1:Service",
      "kubernetes:core/v1:ServiceAccount",
      "kubernetes:networking.k8s.io/v1:IngressClass",
      "kubernetes:policy/v1:PodDisruptionBudget",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    ]);
  });
});
