import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKubeClient, type KubeClient } from "../../local/providers/kubernetes/client.ts";
import { parseKubeconfig } from "../../local/providers/kubernetes/kubeconfig.ts";
import { controlPlanePrograms, startTestCluster, type TestCluster } from "../support/control-plane.ts";
import { startPlugin, type Json, type JsonMap, type Plugin } from "../support/plugin.ts";
import { allowance, allowedDifferences } from "./differences.ts";
import {
  compareJson,
  createReplay,
  methodOf,
  text,
  type Answer,
  type RecordedCall,
  type Replay,
} from "./replay.ts";

/** Recordings of the official plugins' answers, kept beside the project. */
const folder = join(import.meta.dirname, "../../../shared/provider-traces");
const steps = existsSync(folder)
  ? readdirSync(folder)
      .filter((file) => file.endsWith(".jsonl"))
      .sort()
  : [];
if (steps.length === 0) console.warn(`skipped: no recordings of the official plugins in ${folder}`);
const programs = controlPlanePrograms();

/** What has to be in the cluster before a step, as it was when the step was recorded. */
const before: Record<string, (kube: KubeClient) => Promise<void>> = {
  "01": async (kube) => {
    // Gives the cluster's cloud a class to answer for.
    await create(kube, "/apis/networking.k8s.io/v1/ingressclasses", {
      metadata: { name: "nginx" },
      spec: { controller: "example.com/ingress" },
    });
  },
  "12": async (kube) => {
    await create(kube, "/api/v1/namespaces", { metadata: { name: "tenant-acme" } });
    await create(kube, "/api/v1/namespaces/tenant-acme/configmaps", {
      metadata: { name: "settings" },
      data: { LEVEL: "made by somebody else" },
    });
  },
  "13": async (kube) => {
    await kube.call({ method: "DELETE", path: "/api/v1/namespaces/tenant-acme" });
    await gone(kube, "tenant-acme");
  },
};

describe.skipIf(steps.length === 0 || programs === null)("the official plugins' recorded answers", () => {
  let cluster: TestCluster | undefined;
  let kube: KubeClient | undefined;
  let plugins: { kubernetes: Plugin; command: Plugin } | undefined;
  let replay: Replay;
  const used = new Set<RegExp>();

  beforeAll(async () => {
    cluster = await startTestCluster(programs!);
    kube = createKubeClient(await parseKubeconfig(cluster.kubeconfig));
    const [kubernetes, command] = await Promise.all([startPlugin("kubernetes"), startPlugin("command")]);
    plugins = { kubernetes, command };
    replay = createReplay(plugins, readFileSync(cluster.kubeconfig, "utf8"));
  });
  afterAll(async () => {
    kube?.close();
    await Promise.all([plugins?.kubernetes.stop(), plugins?.command.stop()]);
    await cluster?.stop();
  });

  it.each(steps)(
    "are ours too: %s",
    async (step) => {
      await before[step.slice(0, 2)]?.(kube!);
      const wrong: unknown[] = [];
      for (const call of readCalls(step)) {
        const answer = await replay.send(call);
        wrong.push(...judge(call, answer, used));
      }
      expect(wrong).toEqual([]);
    },
    120_000,
  );

  it("differ in nothing that is allowed in vain", () => {
    expect(allowedDifferences.filter(({ where }) => !used.has(where))).toEqual([]);
  });
});

/** Without the engine's Cancel, which ends a plugin's work for good: each step was recorded with plugins of its own. */
function readCalls(step: string): RecordedCall[] {
  return readFileSync(join(folder, step), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RecordedCall)
    .filter((call) => methodOf(call) !== "Cancel");
}

/** Every difference that the table does not allow, with the call it is in. */
function judge(call: RecordedCall, answer: Answer, used: Set<RegExp>): unknown[] {
  const subject = `${methodOf(call)} ${text(call.request["type"]) || "plugin"}`;
  const name = text(call.request["name"]);
  if (call.errors || answer.failure) {
    const [recorded, ours] = [recordedError(call), ourError(answer)];
    return recorded === ours ? [] : [{ subject, name, recorded, ours }];
  }
  return compareJson(shown(call.response), shown(answer.response))
    .filter(({ path, recorded, ours }) => {
      const rule = allowance(`${subject} ${path}`, recorded, ours);
      if (rule) used.add(rule.where);
      return rule === undefined;
    })
    .map((difference) => ({ subject, name, ...difference }));
}

/** An answer without order where there is none, and of `managedFields` only which fields are applied. */
function shown(response: JsonMap | null | undefined): JsonMap {
  const { replaces, diffs, ...rest } = response ?? {};
  return {
    ...(appliedFields(rest) as JsonMap),
    ...(Array.isArray(replaces) && { replaces: [...replaces].sort() }),
    ...(Array.isArray(diffs) && { diffs: [...diffs].sort() }),
  };
}

function appliedFields(value: Json): Json {
  if (Array.isArray(value)) return value.map(appliedFields);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== "managedFields" || !Array.isArray(item)) return [key, appliedFields(item)];
      const applied = (item as JsonMap[]).filter(({ operation }) => operation === "Apply");
      return [key, applied.map(({ fieldsV1 = null }) => fieldsV1)];
    }),
  );
}

/** Status and text without what is random; the text of a missing method does not matter. */
function recordedError({ errors }: RecordedCall): string {
  const match = /^rpc error: code = (\w+) desc = ([^]*)$/.exec(errors?.[0] ?? "");
  return errorKind(match?.[1] ?? "", match?.[2] ?? "");
}

function ourError({ failure }: Answer): string {
  if (!failure) return "no error";
  const code = status[failure.code] ?? "";
  return errorKind(code.charAt(0) + code.slice(1).toLowerCase(), failure.message);
}

function errorKind(code: string, message: string): string {
  if (code === "Unimplemented") return code;
  const masked = message.replaceAll(/pulumi-kubernetes-[0-9a-f]{8}/g, "pulumi-kubernetes-…");
  // Two streams written at once arrive in any order.
  const lines = masked.startsWith("exit status") ? masked.split("\n").sort() : [masked];
  return `${code}: ${lines.join("\n")}`;
}

async function create(kube: KubeClient, path: string, body: JsonMap): Promise<void> {
  await kube.call({ method: "POST", path, query: { fieldManager: "kubectl-create" }, body });
}

async function gone(kube: KubeClient, namespace: string): Promise<void> {
  const query = { fieldSelector: `metadata.name=${namespace}` };
  const limit = AbortSignal.timeout(60_000);
  for await (const { type } of kube.watch("/api/v1/namespaces", query, limit)) {
    if (type === "DELETED") return;
  }
}
