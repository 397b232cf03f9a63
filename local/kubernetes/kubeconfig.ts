import { stringify } from "yaml";

export interface KubeconfigUser {
  cluster: string;
  user: string;
  server: string;
  /** PEM. */
  ca: string;
  certificate: string;
  key: string;
}

/** A kubeconfig with one context, everything inline, as the cloud's credential actions answer it. */
export function createKubeconfig(of: KubeconfigUser): string {
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name: of.cluster, cluster: { server: of.server, "certificate-authority-data": base64(of.ca) } },
      ],
      users: [
        {
          name: of.user,
          user: { "client-certificate-data": base64(of.certificate), "client-key-data": base64(of.key) },
        },
      ],
      contexts: [{ name: of.cluster, context: { cluster: of.cluster, user: of.user } }],
      "current-context": of.cluster,
      preferences: {},
    },
    { lineWidth: 0 },
  );
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
