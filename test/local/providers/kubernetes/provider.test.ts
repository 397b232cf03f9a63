import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createKubeClient, type KubeClient } from "../../../../local/providers/kubernetes/client.ts";
import { parseKubeconfig } from "../../../../local/providers/kubernetes/kubeconfig.ts";
import { at, list, text, type KubeObject } from "../../../../local/providers/kubernetes/object.ts";
import { createKubernetesProvider } from "../../../../local/providers/kubernetes/provider.ts";
import { canonicalQuantity } from "../../../../local/providers/kubernetes/quantity.ts";
import { InitFailedError } from "../../../../local/providers/protocol/errors.ts";
import type { CallContext, Provider } from "../../../../local/providers/protocol/provider.ts";
import { plain, type PlainMap, type PropertyMap } from "../../../../local/providers/protocol/values.ts";
import { controlPlanePrograms, startTestCluster, type TestCluster } from "../../../support/control-plane.ts";

const programs = controlPlanePrograms();
const urnOf = (name: string) => `urn:pulumi:test::test::kubernetes:core/v1:Thing::${name}`;

/** One log and one cancellation for a test's calls. */
function createContext() {
  const cancel = new AbortController();
  const logged: string[] = [];
  const statuses: string[] = [];
  const context: CallContext = {
    signal: cancel.signal,
    cancelled: cancel.signal,
    log: (_severity, message) => void logged.push(message),
    status: (message) => void statuses.push(message),
  };
  return { cancel, logged, statuses, context };
}

async function configured(args: PropertyMap): Promise<Provider> {
  const provider = createKubernetesProvider();
  await provider.configure({ id: "", urn: "", args, variables: {} }, createContext().context);
  return provider;
}

const configMap = (name: string, fields: PlainMap): PropertyMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  ...fields,
  metadata: { name, namespace: "default", ...(fields["metadata"] as PlainMap | undefined) },
});

const deployment = (name: string, podSpec: PlainMap, annotations: PlainMap = {}): PropertyMap => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default", annotations },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "app", image: "registry.example/app:1" }], ...podSpec },
    },
  },
});
const nowhere = { nodeSelector: { place: "nowhere" } };

describe.skipIf(programs === null)("the kubernetes provider on a real cluster", () => {
  let cluster: TestCluster;
  let kube: KubeClient;
  let provider: Provider;
  let calls: ReturnType<typeof createContext>;

  beforeAll(async () => {
    cluster = await startTestCluster(programs!);
    kube = createKubeClient(await parseKubeconfig(cluster.kubeconfig));
    provider = await configured({ kubeconfig: readFileSync(cluster.kubeconfig, "utf8") });
  });
  beforeEach(() => {
    calls = createContext();
  });
  afterAll(async () => {
    kube?.close();
    provider?.close?.();
    await cluster?.stop();
  });

  const create = (name: string, properties: PropertyMap, timeoutSeconds = 0) => {
    const request = { urn: urnOf(name), name, type: "kubernetes:core/v1:Thing", properties, timeoutSeconds };
    return provider.create({ ...request, preview: false }, calls.context);
  };
  const update = (name: string, id: string, olds: PropertyMap, news: PropertyMap) => {
    const request = {
      urn: urnOf(name),
      name,
      type: "kubernetes:core/v1:Thing",
      id,
      olds,
      oldInputs: {},
      news,
    };
    return provider.update!(
      { ...request, timeoutSeconds: 0, ignoreChanges: [], preview: false },
      calls.context,
    );
  };
  const remove = (name: string, type: string, id: string, properties: PropertyMap, timeoutSeconds = 0) =>
    provider.delete!(
      { urn: urnOf(name), name, type, id, properties, oldInputs: {}, timeoutSeconds },
      calls.context,
    );
  const live = (path: string): Promise<KubeObject> => kube.call({ path });

  it("takes over what a create made whose answer was lost, and owns it", async () => {
    await create("lost", configMap("lost", { data: { A: "1", B: "1" } }));
    const { id, properties } = await create("lost", configMap("lost", { data: { A: "1", B: "1" } }));
    await update("lost", id, properties, configMap("lost", { data: { A: "2" } }));
    const object = await live("/api/v1/namespaces/default/configmaps/lost");
    expect(object["data"]).toEqual({ A: "2" });
    expect(list(object, "metadata", "managedFields")).toHaveLength(1);
  });

  it("does not overwrite what somebody else owns, unless it is told to", async () => {
    await kube.call({
      method: "POST",
      path: "/api/v1/namespaces/default/configmaps",
      query: { fieldManager: "somebody" },
      body: { metadata: { name: "owned" }, data: { A: "theirs" } },
    });
    await expect(create("owned", configMap("owned", { data: { A: "ours" } }))).rejects.toThrow(
      /server-side apply field conflict detected.*conflict with "somebody" using v1: .data.A/s,
    );
    const annotations = { "pulumi.com/patchForce": "true" };
    await create("owned", configMap("owned", { metadata: { annotations }, data: { A: "ours" } }));
    expect(at(await live("/api/v1/namespaces/default/configmaps/owned"), "data", "A")).toBe("ours");
  });

  it("waits for the kind of a custom resource, and takes its loss for the loss of its objects", async () => {
    const group = "trial.example.com";
    const kind = { kind: "Thing", plural: "things", singular: "thing" };
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    const definition: PropertyMap = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `things.${group}` },
      spec: {
        group,
        names: kind,
        scope: "Namespaced",
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    };
    const thing: PropertyMap = {
      apiVersion: `${group}/v1`,
      kind: "Thing",
      metadata: { name: "one", namespace: "default" },
      spec: { size: 1 },
    };
    const [made, defined] = await Promise.all([create("thing", thing), create("definition", definition)]);
    expect(made.id).toBe("default/one");
    const type = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition";
    await remove("definition", type, defined.id, defined.properties);
    await remove("thing", `kubernetes:${group}/v1:Thing`, made.id, made.properties);
  });

  it("keeps the state of a Deployment that did not become ready in time, with the reasons", async () => {
    const failure = await create("stuck", deployment("stuck", nowhere), 2).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InitFailedError);
    const { id, message, reasons, properties } = failure as InitFailedError;
    expect(id).toBe("default/stuck");
    expect(message).toMatch(/was successfully created.*'stuck' timed out waiting to be Ready$/);
    expect(reasons.join("\n")).toMatch(/Unschedulable/);
    expect(text(plain(properties), "metadata", "uid")).not.toBe("");
    expect(calls.statuses).toContain("Waiting for Pods to become available (0/1 available)");
  });

  it("keeps the state of what it waits for when it is cancelled", async () => {
    const waiting = new Promise<void>((resolve) => {
      calls.context = { ...calls.context, status: () => resolve() };
    });
    const created = create("cancelled", deployment("cancelled", nowhere)).catch((error: unknown) => error);
    await waiting;
    calls.cancel.abort();
    expect(await created).toBeInstanceOf(InitFailedError);
    expect(((await created) as InitFailedError).message).toMatch(/was cancelled/);
  });

  it("does not wait where an annotation says so", async () => {
    const annotations = { "pulumi.com/skipAwait": "true" };
    const { id } = await create("skipped", deployment("skipped", nowhere, annotations));
    expect(id).toBe("default/skipped");
  });

  it("reads an object that it did not make, without what the cluster added", async () => {
    const request = { urn: urnOf("dns"), name: "dns", type: "kubernetes:core/v1:Service", timeoutSeconds: 0 };
    const { inputs } = await provider.read!(
      { ...request, id: "default/kubernetes", properties: {}, inputs: {} },
      calls.context,
    );
    expect(inputs).toMatchObject({ apiVersion: "v1", kind: "Service", metadata: { name: "kubernetes" } });
    expect(Object.keys(inputs["metadata"] as object)).toEqual(
      expect.not.arrayContaining(["uid", "resourceVersion", "managedFields"]),
    );
    expect(inputs).not.toHaveProperty("status");
  });

  it("refuses a field that the API does not know", async () => {
    await expect(create("typo", configMap("typo", { dta: { A: "1" } }))).rejects.toThrow(
      /\.dta: field not declared in schema/,
    );
  });

  it("refuses in the preview what the API server would refuse", async () => {
    const properties = deployment("invalid", {});
    (properties["spec"] as PlainMap)["replicas"] = -1;
    const request = { urn: urnOf("x"), name: "x", type: "kubernetes:apps/v1:Deployment", timeoutSeconds: 0 };
    await expect(provider.create({ ...request, properties, preview: true }, calls.context)).rejects.toThrow(
      /was not successfully created by the Kubernetes API server: .*spec\.replicas/,
    );
  });

  it("says what holds an object that it could not delete in time", async () => {
    const metadata = { finalizers: ["example.com/hold"] };
    const { id, properties } = await create("held", configMap("held", { metadata }));
    await expect(remove("held", "kubernetes:core/v1:ConfigMap", id, properties, 1)).rejects.toThrow(
      /timed out while waiting for it to be gone \(finalizer example\.com\/hold/,
    );
    await kube.call({
      method: "PATCH",
      path: "/api/v1/namespaces/default/configmaps/held",
      contentType: "application/merge-patch+json",
      body: { metadata: { finalizers: null } },
    });
  });

  it("writes quantities as the API server keeps them", async () => {
    const written: PlainMap = {
      "limits.cpu": "1500m",
      "requests.cpu": "1000m",
      "limits.memory": "1.5Gi",
      "requests.memory": "1024Mi",
      pods: "1000",
      services: "0",
      "requests.storage": "1000Ki",
      "count/jobs.batch": "10",
    };
    const quota: PropertyMap = {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "quantities", namespace: "default", annotations: { "pulumi.com/skipAwait": "true" } },
      spec: { hard: written },
    };
    const { properties } = await create("quantities", quota);
    const kept = Object.entries(written).map(([key, value]) => [
      key,
      canonicalQuantity(String(value as string)),
    ]);
    expect(at(plain(properties), "spec", "hard")).toEqual(Object.fromEntries(kept));
    await remove("quantities", "kubernetes:core/v1:ResourceQuota", "default/quantities", properties);
  });
});

describe("the kubernetes provider without its cluster", () => {
  const kubeconfig = JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:1" } }],
    users: [],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  const request = { urn: urnOf("a"), name: "a", type: "kubernetes:core/v1:ConfigMap", timeoutSeconds: 0 };
  const properties = configMap("a", {});

  it("previews from the inputs", async () => {
    const provider = await configured({ kubeconfig });
    const { inputs } = await provider.check(
      {
        ...request,
        olds: {},
        news: { apiVersion: "v1", kind: "ConfigMap" },
        randomSeed: new Uint8Array([1]),
      },
      createContext().context,
    );
    expect(inputs["metadata"]).toMatchObject({
      namespace: "default",
      name: expect.stringMatching(/^a-[0-9a-f]{8}$/) as string,
    });
    const preview = await provider.create(
      { ...request, properties: inputs, preview: true },
      createContext().context,
    );
    expect(preview).toEqual({ id: "", properties: inputs });
  });

  it("fails to create, with the address and the cause", async () => {
    const provider = await configured({ kubeconfig });
    await expect(
      provider.create({ ...request, properties, preview: false }, createContext().context),
    ).rejects.toThrow(
      "cluster is unreachable: the Kubernetes API server at http://127.0.0.1:1 cannot be reached: ECONNREFUSED",
    );
  });

  it("deletes from the state only where it is told to", async () => {
    const doomed = { ...request, id: "default/a", properties, oldInputs: {} };
    const strict = await configured({ kubeconfig });
    await expect(strict.delete!(doomed, createContext().context)).rejects.toThrow(
      /PULUMI_K8S_DELETE_UNREACHABLE/,
    );
    const lenient = await configured({ kubeconfig, deleteUnreachable: true });
    await lenient.delete!(doomed, createContext().context);
  });
});
