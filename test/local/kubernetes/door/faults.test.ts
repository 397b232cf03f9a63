import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Plans } from "../../../../local/arm/plans/plans.ts";
import { createKubeClient, type KubeClient } from "../../../../local/providers/kubernetes/client.ts";
import { parseKubeconfig, type Connection } from "../../../../local/providers/kubernetes/kubeconfig.ts";
import { list, text, type KubeObject } from "../../../../local/providers/kubernetes/object.ts";
import { createKubernetesProvider } from "../../../../local/providers/kubernetes/provider.ts";
import type { CallContext, Provider } from "../../../../local/providers/protocol/provider.ts";
import type { PropertyMap } from "../../../../local/providers/protocol/values.ts";
import { openArm, type ArmClient, type ArmUnderTest } from "../../arm/support/arm.ts";
import { controlPlanePrograms, startTestCluster, type TestCluster } from "../../../support/control-plane.ts";

const programs = controlPlanePrograms();
const { signal } = new AbortController();
const context: CallContext = { signal, cancelled: signal, log: () => undefined, status: () => undefined };

const deployment = (name: string, replicas = 1): PropertyMap => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default" },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "app", image: "registry.example/app:1" }] },
    },
  },
});

describe.skipIf(programs === null)("a plan between a cluster and its clients", { timeout: 60_000 }, () => {
  let folder: string;
  let plans: Plans;
  let arm: ArmUnderTest;
  let operator: ArmClient;
  let cluster: TestCluster;
  let connection: Connection;
  let kube: KubeClient;
  let provider: Provider;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tierlift-door-"));
    plans = new Plans(join(folder, "plans.json"));
    arm = await openArm({ plans });
    operator = await arm.as("operator");
    cluster = await startTestCluster(programs!, plans);
    connection = await parseKubeconfig(cluster.kubeconfig);
    kube = createKubeClient(connection);
    provider = createKubernetesProvider();
    const args = { kubeconfig: readFileSync(cluster.kubeconfig, "utf8") };
    await provider.configure({ id: "", urn: "", args, variables: {} }, context);
  }, 90_000);
  const forget = () => operator.delete("/local/plans", "");
  afterEach(forget);
  afterAll(async () => {
    kube?.close();
    provider?.close?.();
    await cluster?.stop();
    await arm?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const plan = async (rule: Record<string, unknown>, of: Record<string, unknown> = {}): Promise<void> => {
    const kubernetes = { resource: "deployments.apps", cluster: "test", ...of };
    const match = { kubernetes, ...(rule["match"] as object | undefined) };
    const answer = await operator.put("/local/plans/one", "", { ...rule, match });
    expect(answer.body).not.toHaveProperty("error");
  };
  const uses = () => plans.get("one")?.uses;
  const requestOf = (name: string) => ({
    urn: `urn:pulumi:test::test::kubernetes:apps/v1:Deployment::${name}`,
    name,
    type: "kubernetes:apps/v1:Deployment",
    timeoutSeconds: 0,
  });
  const create = (name: string) =>
    provider.create({ ...requestOf(name), properties: deployment(name), preview: false }, context);
  const pathOf = (name: string) => `/apis/apps/v1/namespaces/default/deployments/${name}`;
  const live = (name: string): Promise<KubeObject> => kube.call({ path: pathOf(name) });
  const kubectl = async (...args: string[]): Promise<string> => {
    const all = ["kubectl", "--kubeconfig", cluster.kubeconfig, ...args];
    return (await promisify(execFile)(programs!.hyper, all, { env: { HOME: folder } })).stdout;
  };
  const whoAmI = (client: KubeClient): Promise<KubeObject> =>
    client.call({
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    });

  it("fails a Deployment once: what the server may do later is asked again", async () => {
    await plan({ effect: { kind: "fail", status: 503 }, times: 1 }, { verbs: ["patch"] });
    expect((await create("once")).id).toBe("default/once");
    expect(uses()).toBe(1);
  });

  it("fails a Deployment always, and says why; nothing is made", async () => {
    await plan({ match: { change: "create" }, effect: { kind: "fail", message: "no room" } });
    await expect(create("never")).rejects.toThrow(/was not successfully created.*no room/);
    await expect(live("never")).rejects.toMatchObject({ code: 404 });
  });

  it("refuses with a Status of Kubernetes' own form", async () => {
    await plan({ effect: { kind: "fail", status: 403 } });
    await expect(live("any")).rejects.toMatchObject({
      code: 403,
      reason: "Forbidden",
      details: { name: "any", group: "apps", kind: "deployments" },
    });
  });

  it.each([
    ["timeout", "answered a timeout"],
    ["lose-answer", "whose answer got lost"],
  ])("lets a Deployment be adopted that was made and %s (%s)", async (kind) => {
    const name = `adopted-${kind}`;
    await plan({ match: { change: "create" }, effect: { kind }, times: 1 });
    await create(name);
    expect(uses()).toBe(1);
    const object = await live(name);
    expect(object["metadata"]).toMatchObject({ generation: 1 });
    const owners = list(object, "metadata", "managedFields") as KubeObject[];
    expect(owners.filter((one) => text(one, "operation") === "Apply")).toHaveLength(1);
  });

  it.each(["timeout", "lose-answer"])("lets a deletion be repeated after a %s", async (kind) => {
    const name = `gone-${kind}`;
    const { id, properties } = await create(name);
    await plan({ effect: { kind }, times: 1 }, { verbs: ["delete"] });
    await provider.delete!({ ...requestOf(name), id, properties, oldInputs: {} }, context);
    expect(uses()).toBe(1);
    await expect(live(name)).rejects.toMatchObject({ code: 404 });
  });

  it("throttles: the plugin waits for what Retry-After says", async () => {
    await plan({ effect: { kind: "throttle", retryAfterSeconds: 1 }, times: 2 }, { verbs: ["patch"] });
    const started = performance.now();
    await create("throttled");
    expect(performance.now() - started).toBeGreaterThan(2_000);
    expect(uses()).toBe(2);
  });

  it("throttles without an end: the plugin gives up", async () => {
    await plan({ effect: { kind: "throttle", retryAfterSeconds: 0.01 } }, { verbs: ["patch"] });
    await expect(create("given-up")).rejects.toThrow(/throttled/);
    expect(uses()).toBe(6);
  });

  it("throttles: kubectl waits, too", async () => {
    await plan({ effect: { kind: "throttle", retryAfterSeconds: 1 }, times: 1 });
    const started = performance.now();
    await kubectl("get", "deployments");
    expect(performance.now() - started).toBeGreaterThan(1_000);
    expect(uses()).toBe(1);
  });

  it("slows requests down", async () => {
    await plan({ effect: { kind: "latency", ms: 300 } });
    const started = performance.now();
    await live("any").catch(() => undefined);
    expect(performance.now() - started).toBeGreaterThan(295);
  });

  it("leaves alone what it is not about: other resources, updates, dry runs, other clusters", async () => {
    await create("spared");
    await plan({ match: { change: "create" }, effect: { kind: "fail" } });
    await kube.call({ path: "/api/v1/namespaces/default" });
    await create("spared");
    const preview = { ...requestOf("dry"), properties: deployment("dry"), preview: true };
    await provider.create(preview, context);
    await plan({ effect: { kind: "fail" } }, { cluster: "other" });
    await live("spared");
    expect(uses()).toBe(0);
  });

  it("reaches the first request of a client whose connection was there before", async () => {
    await kube.call({ path: "/version" });
    await plan({ effect: { kind: "fail", status: 403 } });
    await expect(live("any")).rejects.toMatchObject({ code: 403 });
  });

  it("lets each client be who it is", async () => {
    const account = "/api/v1/namespaces/default/serviceaccounts/default/token";
    const issued = await kube.call({
      method: "POST",
      path: account,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    await plan({ effect: { kind: "fail" } });
    const { server, ca, namespace, serverName, insecure } = connection;
    const bare = { server, ca, namespace, serverName, insecure, cert: undefined, key: undefined };
    const byToken = createKubeClient({ ...bare, token: text(issued, "status", "token") });
    const nobody = createKubeClient({ ...bare, token: undefined });
    const known = await whoAmI(kube);
    expect(text(known, "status", "userInfo", "username")).toBe("masterclient");
    expect(list(known, "status", "userInfo", "groups")).toContain("system:masters");
    const account_ = await whoAmI(byToken);
    expect(text(account_, "status", "userInfo", "username")).toBe("system:serviceaccount:default:default");
    await expect(whoAmI(nobody)).rejects.toMatchObject({ code: 401 });
    byToken.close();
    nobody.close();
  });

  it("goes on with a watch that was open before it, and during it", async () => {
    const stop = new AbortController();
    const names = new Set<string>();
    let seen: (() => void) | undefined;
    const watching = (async () => {
      for (;;) {
        const query = { resourceVersion: "0" };
        try {
          for await (const { object } of kube.watch(
            "/api/v1/namespaces/default/configmaps",
            query,
            stop.signal,
          )) {
            names.add(text(object, "metadata", "name"));
            seen?.();
          }
        } catch {
          if (stop.signal.aborted) return;
        }
      }
    })();
    const until = async (name: string) => {
      while (!names.has(name)) await new Promise<void>((resolve) => (seen = resolve));
    };
    const make = (name: string) =>
      kube.call({
        method: "POST",
        path: "/api/v1/namespaces/default/configmaps",
        body: { metadata: { name } },
      });
    await make("before");
    await until("before");
    await plan({ effect: { kind: "fail" } });
    await make("during");
    await until("during");
    await forget();
    await make("after");
    await until("after");
    stop.abort();
    await watching;
    expect([...names]).toEqual(expect.arrayContaining(["before", "during", "after"]));
  });
});
