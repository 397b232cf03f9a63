import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";

/** What is needed to reach one cluster. */
export interface Connection {
  readonly server: string;
  readonly namespace: string;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
}

interface Named {
  name?: string;
}
interface Kubeconfig {
  "current-context"?: string;
  clusters?: (Named & { cluster?: Record<string, unknown> })[];
  users?: (Named & { user?: Record<string, unknown> })[];
  contexts?: (Named & { context?: { cluster?: string; user?: string; namespace?: string } })[];
}

export interface KubeconfigChoice {
  readonly context?: string;
  readonly cluster?: string;
}

/**
 * Reads `config`, the text of a kubeconfig or the path of one; empty means `KUBECONFIG` or the user's own file.
 * Throws with what is wrong, never with the file's content. Users by client certificate or token; others
 * (exec, auth-provider) are refused.
 */
export async function parseKubeconfig(config: string, choice: KubeconfigChoice = {}): Promise<Connection> {
  const { text, folder } = locate(config);
  // Loaded here, not at start-up: the engine waits for the port, not for the first cluster.
  const { parse } = await import("yaml");
  let parsed: Kubeconfig | null;
  try {
    parsed = parse(text) as Kubeconfig | null;
  } catch {
    throw new Error("the kubeconfig is neither YAML nor JSON");
  }
  if (typeof parsed !== "object" || parsed === null) throw new Error("the kubeconfig is empty");
  return select(parsed, choice, folder);
}

function locate(config: string): { text: string; folder: string } {
  const isText = /[\n{]/.test(config) || config.includes("apiVersion");
  if (config !== "" && isText) return { text: config, folder: process.cwd() };
  const path = resolve(
    (config || process.env["KUBECONFIG"] || "~/.kube/config").replace(/^~(?=\/)/, homedir()),
  );
  if (!existsSync(path)) throw new Error(`there is no kubeconfig at ${path}`);
  return { text: readFileSync(path, "utf8"), folder: dirname(path) };
}

function select(config: Kubeconfig, choice: KubeconfigChoice, folder: string): Connection {
  const contextName = choice.context || config["current-context"];
  const context = config.contexts?.find(({ name }) => name === contextName)?.context;
  if (!context) throw new Error(`the kubeconfig has no context "${contextName ?? ""}"`);
  const clusterName = choice.cluster || context.cluster;
  const cluster = config.clusters?.find(({ name }) => name === clusterName)?.cluster;
  if (!cluster) throw new Error(`the kubeconfig has no cluster "${clusterName ?? ""}"`);
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {};
  const server = string(cluster["server"]);
  if (!server) throw new Error(`the kubeconfig's cluster "${clusterName ?? ""}" names no server`);
  const cert = material(user, "client-certificate", folder);
  const token = string(user["token"]) ?? fileText(string(user["tokenFile"]), folder)?.trim();
  if (!cert && !token && (user["exec"] || user["auth-provider"])) {
    throw new Error(
      "the kubeconfig's user needs an exec plugin; only client certificates and tokens are supported",
    );
  }
  return {
    server,
    namespace: context.namespace ?? "",
    ca: material(cluster, "certificate-authority", folder),
    cert,
    key: material(user, "client-key", folder),
    token,
    serverName: string(cluster["tls-server-name"]),
    insecure: cluster["insecure-skip-tls-verify"] === true,
  };
}

/** `<name>-data` in base64, or the file `<name>` relative to the kubeconfig's folder. */
function material(entry: Record<string, unknown>, name: string, folder: string): string | undefined {
  const data = string(entry[`${name}-data`]);
  return data ? Buffer.from(data, "base64").toString("utf8") : fileText(string(entry[name]), folder);
}

function fileText(path: string | undefined, folder: string): string | undefined {
  return path === undefined ? undefined : readFileSync(resolve(folder, path), "utf8");
}

function string(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
