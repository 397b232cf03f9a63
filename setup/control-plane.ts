import { readFile } from "node:fs/promises";
import path from "node:path";
import { ensureCached } from "./cache.ts";
import { buildGo, findGo, hashModule, requiredVersion, type GoModule } from "./go.ts";
import type { SetupContext } from "./parts.ts";
import { step } from "./progress.ts";

/** Binaries of a Kubernetes control plane with simulated nodes. */
export interface ControlPlane {
  /** etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl: the first argument says which. */
  hyper: string;
  /** Simulates nodes and the life of the pods on them. */
  kwok: string;
  /** Kubernetes' version, without `v`. */
  version: string;
}

const MODULES = path.join(import.meta.dirname, "control-plane");

/** Brings the control plane's binaries, from the cache or built one after the other. */
export async function ensureControlPlane(context: SetupContext): Promise<ControlPlane> {
  const version = await versionOf("hyper", "k8s.io/kubernetes");
  const hyper = await ensureBinary("hyper", version, "about 4 min on 2 cores", hyperModule(version), context);
  const kwokVersion = await versionOf("kwok", "sigs.k8s.io/kwok");
  const kwok = await ensureBinary(
    "kwok",
    kwokVersion,
    "about 1 min on 2 cores",
    kwokModule(kwokVersion),
    context,
  );
  return { hyper, kwok, version };
}

function hyperModule(version: string): GoModule {
  const [major, minor] = version.split(".");
  const component = "k8s.io/component-base/version";
  return {
    folder: path.join(MODULES, "hyper"),
    package: ".",
    // Without these the API server calls itself v0.0.0 and clients that look at its version misjudge what it can do.
    variables: {
      [`${component}.gitVersion`]: `v${version}`,
      [`${component}.gitMajor`]: major!,
      [`${component}.gitMinor`]: minor!,
      [`${component}.gitTreeState`]: "clean",
      "k8s.io/client-go/pkg/version.gitVersion": `v${version}`,
    },
  };
}

function kwokModule(version: string): GoModule {
  return {
    folder: path.join(MODULES, "kwok"),
    package: "sigs.k8s.io/kwok/cmd/kwok",
    variables: { "sigs.k8s.io/kwok/pkg/consts.Version": `v${version}` },
  };
}

async function ensureBinary(
  name: string,
  version: string,
  duration: string,
  module: GoModule,
  context: SetupContext,
): Promise<string> {
  const what = `the Kubernetes control plane's ${name} ${version}`;
  const folder = await ensureCached({
    ...context,
    name: `${name}-${version}-${await hashModule(module)}`,
    probe: name,
    make: async (draft) => {
      const go = await findGo(what, context.signal);
      const run = () => buildGo(go, module, path.join(draft, name), context.signal);
      await step(`building ${what} (${duration})`, run, { log: context.log });
    },
  });
  return path.join(folder, name);
}

async function versionOf(module: string, required: string): Promise<string> {
  return requiredVersion(await readFile(path.join(MODULES, module, "go.mod"), "utf8"), required);
}
