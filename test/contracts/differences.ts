/** What of a plugin's answers may differ from the recorded ones, and why. Everything else must be the same. */
import type { Json } from "../support/plugin.ts";

export interface AllowedDifference {
  /** Matched against `<Method> <type or plugin> <path>`. */
  readonly where: RegExp;
  readonly because: string;
  /** The part of a text that may differ; without it the whole value may. */
  readonly part?: RegExp;
}

export const allowedDifferences: readonly AllowedDifference[] = [
  {
    where: /^GetPluginInfo \S+ version$/,
    because: "the kubernetes plugin answers the SDK's version: the engine warns of an older one",
  },
  {
    where: /^\S+ (command:local:Command|kubernetes:core\/v1:ConfigMap) (id|.*metadata\.name)$/,
    part: /[0-9a-f]{8}$/,
    because: "names and ids that the provider makes up end in random digits",
  },
  {
    where: /^Create kubernetes:apps\/v1:Deployment properties\.(__inputs\.)?metadata\.name$/,
    part: /(?<=^bi-service)[0-9a-z]{5}$/,
    because:
      "the official plugin shows the random name under which it tries a replacement; ours the real one",
  },
  {
    where: /__fieldManager$/,
    part: /[0-9a-f]{8}$/,
    because: "drawn at random there, derived from the URN here",
  },
  {
    where: /metadata\.managedFields/,
    because:
      "over an object to be replaced: the official plugin previews under a new field manager, ours keeps its own",
  },
  {
    where: /metadata\.(uid|resourceVersion|creationTimestamp)$/,
    because: "given by the API server, new in each run",
  },
  { where: /spec\.(clusterIP|clusterIPs.*|ports\[\d+\]\.nodePort)$/, because: "given by the API server" },
  { where: /status\.loadBalancer\.ingress/, because: "addresses come from the cluster's cloud" },
  { where: /status\.conditions\[\d+\]\.(lastTransitionTime|lastUpdateTime)$/, because: "times" },
  {
    where: /(HorizontalPodAutoscaler|PodDisruptionBudget|ResourceQuota) properties\.status/,
    because: "nobody waits for it: how far the controllers are is chance",
  },
];

/** The row that allows a difference, if one does. */
export function allowance(
  subject: string,
  recorded: Json | undefined,
  ours: Json | undefined,
): AllowedDifference | undefined {
  return allowedDifferences.find(({ where, part }) => {
    if (!where.test(subject)) return false;
    if (!part) return true;
    const [one, other] = [recorded, ours].map((value) =>
      typeof value === "string" ? value.replace(part, "") : value,
    );
    return one === other && typeof one === "string";
  });
}
