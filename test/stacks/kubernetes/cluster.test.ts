import * as pulumi from "@pulumi/pulumi";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IngressController } from "../../../stacks/ingress/controller.ts";
import { TenantIngress } from "../../../stacks/ingress/tenant-ingress.ts";
import { TenantNamespace } from "../../../stacks/kubernetes/tenant-namespace.ts";
import { ClusterObservability } from "../../../stacks/observability/cluster.ts";
import { Services } from "../../../stacks/services/services.ts";
import { requestsOf } from "../../../stacks/services/sizing.ts";
import { TIERS } from "../../../stacks/spec.ts";
import type { Tier } from "../../../stacks/spec.ts";
import { controlPlanePrograms, startTestCluster } from "../../support/control-plane.ts";
import type { TestCluster } from "../../support/control-plane.ts";
import { record, stores, telemetry, tenant } from "./recorder.ts";

const programs = controlPlanePrograms();

/** What a footprint of the tier declares, as manifests, in a namespace of the tier's name. */
async function manifestsOf(tier: Tier): Promise<Record<string, unknown>[]> {
  const namespace = `matih-${tier.toLowerCase()}`;
  const { resources } = await record(() => {
    new TenantNamespace("acme", { tenant, tier, namespace, stores, workloadClientId: "client-id" });
    new Services("acme", {
      tenant,
      tier,
      namespace,
      images: { registry: "registry.test", tag: "1" },
      stores,
    });
    new TenantIngress("acme", {
      tenant,
      tier,
      namespace,
      domains: ["acme.matih.ai", "next.acme.matih.ai"],
      certificateIssuer: "letsencrypt",
    });
    new IngressController("acme", {
      replicas: 2,
      publicIpName: pulumi.output("pip-acme"),
      resourceGroupName: pulumi.output("rg-acme"),
    });
    new ClusterObservability("acme", {
      tenant,
      tier,
      namespace,
      telemetry,
    });
  });
  return resources
    .filter(({ type }) => /^kubernetes:/.test(type))
    .map(({ inputs }) => revealAll(inputs) as Record<string, unknown>);
}

function revealAll(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealAll);
  if (typeof value !== "object" || value === null) return value;
  if (pulumi.runtime.specialSigKey in value) return revealAll((value as unknown as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealAll(inner)]));
}

describe.skipIf(!programs)("a real API server", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster(programs!);
  });
  afterAll(() => cluster.stop());

  async function kubectl(args: string[], input = ""): Promise<string> {
    const child = spawn(programs!.hyper, ["kubectl", ...args], {
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(input);
    const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if ((await exited) !== 0) throw new Error(stderr);
    // Pod security and unknown fields are warnings of a success.
    expect(stderr).not.toMatch(/warning/i);
    return stdout;
  }

  it.each(TIERS)(
    "takes everything that %s declares, and its 13 deployments become available inside the quota",
    async (tier) => {
      const namespace = `matih-${tier.toLowerCase()}`;
      const manifests = await manifestsOf(tier);
      const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests });
      await kubectl(["apply", "--server-side", "--field-manager=test", "--validate=strict", "-f", "-"], list);
      await kubectl([
        "wait",
        "-n",
        namespace,
        "deployment",
        "--all",
        "--for=condition=Available",
        "--timeout=60s",
      ]);
      const quota = JSON.parse(await kubectl(["get", "-n", namespace, "quota", "tenant", "-o", "json"])) as {
        status: { used: Record<string, string> };
      };
      // Autoscaled services begin with one replica each; the autoscalers raise them in their own time.
      expect(Number(quota.status.used.pods)).toBeGreaterThanOrEqual(13);
      expect(Number(quota.status.used.pods)).toBeLessThanOrEqual(requestsOf(tier).steady.pods);
      expect(quota.status.used.services).toBe("13");

      // Room for the next tier: the test cluster has 16 cores.
      await kubectl([
        "delete",
        "deployment",
        "-n",
        namespace,
        "--all",
        "--cascade=foreground",
        "--timeout=60s",
      ]);
    },
    120_000,
  );

  it("writes everything down as it was declared, so that a later preview shows no difference", async () => {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: await manifestsOf("PROFESSIONAL") });
    await kubectl(["apply", "--server-side", "--field-manager=test", "-f", "-"], list);
    expect(await kubectl(["diff", "--server-side", "--field-manager=test", "-f", "-"], list)).toBe("");
  }, 60_000);
});
