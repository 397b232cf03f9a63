import type { CheckRequest, DiffRequest, DiffResult } from "../protocol/provider.ts";
import { hasUnknown, plain, type PropertyMap } from "../protocol/values.ts";
import { parseKubeconfig, type Connection } from "./kubeconfig.ts";

/** The provider's settings, from its inputs. */
export interface ProviderConfig {
  readonly kubeconfig: string;
  readonly context: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly deleteUnreachable: boolean;
  readonly configMapsMutable: boolean;
  readonly secretsMutable: boolean;
}

export function parseConfig(args: PropertyMap): ProviderConfig {
  const values = plain(args);
  const string = (key: string) => (typeof values[key] === "string" ? values[key] : "");
  const flag = (key: string, variable: string) =>
    values[key] === true || values[key] === "true" || isTrue(process.env[variable]);
  return {
    kubeconfig: string("kubeconfig"),
    context: string("context"),
    cluster: string("cluster"),
    namespace: string("namespace"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
    configMapsMutable: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    secretsMutable: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
  };
}

function isTrue(value: string | undefined): boolean {
  return value === "true" || value === "1";
}

/** Why these settings cannot be served by this plugin; server-side apply is the only way it writes. */
export function configFailure(request: CheckRequest): { property: string; reason: string } | undefined {
  const values = plain(request.news);
  if (values["enableServerSideApply"] === "false" || values["enableServerSideApply"] === false) {
    return { property: "enableServerSideApply", reason: "this plugin writes by server-side apply only" };
  }
  if (typeof values["renderYamlToDirectory"] === "string" && values["renderYamlToDirectory"] !== "") {
    return { property: "renderYamlToDirectory", reason: "this plugin does not render YAML" };
  }
  return undefined;
}

const identifying = ["kubeconfig", "context", "cluster", "namespace"] as const;

/**
 * A cluster has no identity of its own: the provider, and with it every object, is replaced exactly when the
 * server that the kubeconfig points to changes, and when a kubeconfig is not known yet. One that is given an identity
 * (`clusterIdentifier`) is replaced exactly when that is known to change. While it is not known, as when the engine
 * asks what a targeted destroy of the cluster takes along, a replacement would make the engine close this plugin
 * before it is done with it.
 */
export async function diffConfig({ oldInputs, olds, news }: DiffRequest): Promise<DiffResult> {
  const before = Object.keys(oldInputs).length > 0 ? oldInputs : olds;
  if (before["clusterIdentifier"] && news["clusterIdentifier"]) return diffIdentified(before, news);
  if (hasUnknown(news["kubeconfig"])) {
    return { changes: "some", diffs: ["kubeconfig"], replaces: ["kubeconfig"] };
  }
  const old = plain(before);
  const next = plain(news);
  const diffs = identifying.filter((key) => old[key] !== next[key]);
  const others = Object.keys({ ...old, ...next }).filter(
    (key) => key !== "version" && !identifying.some((name) => name === key) && old[key] !== next[key],
  );
  if (diffs.length === 0 && others.length === 0) return { changes: "none" };
  const servers = await Promise.all([serverOf(before), serverOf(news)]);
  const moved = servers[0] !== servers[1];
  return { changes: "some", diffs: [...diffs, ...others], replaces: moved ? diffs : [] };
}

function diffIdentified(before: PropertyMap, news: PropertyMap): DiffResult {
  const [old, next] = [plain(before), plain(news)];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])];
  const diffs = keys.filter((key) => key !== "version" && (hasUnknown(news[key]) || old[key] !== next[key]));
  if (diffs.length === 0) return { changes: "none" };
  const moved = diffs.includes("clusterIdentifier") && !hasUnknown(news["clusterIdentifier"]);
  return { changes: "some", diffs, replaces: moved ? ["clusterIdentifier"] : [] };
}

async function serverOf(args: PropertyMap): Promise<string> {
  const config = parseConfig(args);
  return parseKubeconfig(config.kubeconfig, config).then(
    ({ server }) => server,
    () => "",
  );
}

export function connectionOf(config: ProviderConfig): Promise<Connection> {
  return parseKubeconfig(config.kubeconfig, config);
}
