/** The command lines of a cluster's servers: what is chosen for a control plane that lives on loopback and is small. */
export interface ClusterPorts {
  etcd: number;
  etcdPeer: number;
  /** Where clients know the API to be: the door before the API server. */
  apiServer: number;
  /** Where the API server itself listens; only the cluster's own parts ask there. */
  behindDoor: number;
}

/** Absolute paths of what the servers read and write. */
export interface ClusterFiles {
  dir: string;
  etcdData: string;
  etcdCa: string;
  etcdCertificate: string;
  etcdKey: string;
  ca: string;
  caKey: string;
  serverCertificate: string;
  serverKey: string;
  frontProxyCa: string;
  frontProxyCertificate: string;
  frontProxyKey: string;
  serviceAccountKey: string;
  kubeconfig(user: ClusterUser): string;
}

export type ClusterUser = "admin" | "controller-manager" | "scheduler" | "kwok" | "cloud";

export const serviceCidr = "10.96.0.0/16";
export const serviceAddress = "10.96.0.1";
const podCidr = "10.244.0.0/16";
/** Common name of the door's certificate. */
export const frontProxyName = "front-proxy-client";
/** In which the door says for whom it asks. */
export const identityHeaders = { user: "X-Remote-User", group: "X-Remote-Group", extra: "X-Remote-Extra-" };

/**
 * Of the controllers only those whose work can be seen here: there are no volumes, no kubelets to sign certificates
 * for, no routes. The names are those of `kube-controller-manager --help`.
 */
export const controllers = [
  "clusterrole-aggregation-controller",
  "cronjob-controller",
  "daemonset-controller",
  "deployment-controller",
  "disruption-controller",
  "endpoints-controller",
  "endpointslice-controller",
  "garbage-collector-controller",
  "horizontal-pod-autoscaler-controller",
  "job-controller",
  "namespace-controller",
  "node-lifecycle-controller",
  "persistentvolumeclaim-protection-controller",
  "pod-garbage-collector-controller",
  "replicaset-controller",
  "resourcequota-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "statefulset-controller",
  "taint-eviction-controller",
  "ttl-after-finished-controller",
] as const;

export function etcdArgs(files: ClusterFiles, ports: ClusterPorts): string[] {
  const client = `https://127.0.0.1:${ports.etcd}`;
  const peer = `https://127.0.0.1:${ports.etcdPeer}`;
  return [
    "etcd",
    "--name=local",
    `--data-dir=${files.etcdData}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=local=${peer}`,
    "--client-cert-auth",
    `--trusted-ca-file=${files.etcdCa}`,
    `--cert-file=${files.etcdCertificate}`,
    `--key-file=${files.etcdKey}`,
    "--peer-client-cert-auth",
    `--peer-trusted-ca-file=${files.etcdCa}`,
    `--peer-cert-file=${files.etcdCertificate}`,
    `--peer-key-file=${files.etcdKey}`,
    // Survives a killed process, not a power cut: a fair price on a machine where disks are shared and slow.
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

export function apiServerArgs(files: ClusterFiles, ports: ClusterPorts): string[] {
  return [
    "kube-apiserver",
    `--etcd-servers=https://127.0.0.1:${ports.etcd}`,
    `--etcd-cafile=${files.etcdCa}`,
    `--etcd-certfile=${files.etcdCertificate}`,
    `--etcd-keyfile=${files.etcdKey}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${ports.behindDoor}`,
    // It has only a loopback address, which the endpoints of the `kubernetes` Service may not hold.
    "--endpoint-reconciler-type=none",
    `--tls-cert-file=${files.serverCertificate}`,
    `--tls-private-key-file=${files.serverKey}`,
    `--client-ca-file=${files.ca}`,
    `--requestheader-client-ca-file=${files.frontProxyCa}`,
    `--requestheader-allowed-names=${frontProxyName}`,
    `--requestheader-username-headers=${identityHeaders.user}`,
    `--requestheader-group-headers=${identityHeaders.group}`,
    `--requestheader-extra-headers-prefix=${identityHeaders.extra}`,
    `--service-account-key-file=${files.serviceAccountKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    `--service-account-issuer=${issuerUrl(ports)}`,
    `--service-account-jwks-uri=${issuerUrl(ports)}/openid/v1/jwks`,
    "--api-audiences=https://kubernetes.default.svc.cluster.local",
    `--service-cluster-ip-range=${serviceCidr}`,
    "--authorization-mode=RBAC",
    "--anonymous-auth=false",
    "--allow-privileged=true",
    "--profiling=false",
  ];
}

export function controllerManagerArgs(files: ClusterFiles): string[] {
  const kubeconfig = files.kubeconfig("controller-manager");
  return [
    "kube-controller-manager",
    `--kubeconfig=${kubeconfig}`,
    "--secure-port=0",
    "--leader-elect=false",
    `--controllers=${controllers.join(",")}`,
    // With the default of 20 requests a second the first start takes five seconds longer.
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    // Without it the controllers share the manager's own user, which RBAC allows next to nothing.
    "--use-service-account-credentials=true",
    // Kwok reports a node about every 55 s, later than the default of 50 s allows; Pods on a node that counts as
    // lost for a moment would stay unready for good, as nothing reports them again.
    "--node-monitor-grace-period=1h",
    `--service-account-private-key-file=${files.serviceAccountKey}`,
    `--root-ca-file=${files.ca}`,
    "--profiling=false",
  ];
}

export function schedulerArgs(files: ClusterFiles): string[] {
  return [
    "kube-scheduler",
    `--kubeconfig=${files.kubeconfig("scheduler")}`,
    "--secure-port=0",
    "--leader-elect=false",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    "--profiling=false",
  ];
}

export function kwokArgs(files: ClusterFiles): string[] {
  return [
    `--kubeconfig=${files.kubeconfig("kwok")}`,
    "--manage-all-nodes=true",
    "--node-ip=127.0.0.1",
    `--cidr=${podCidr}`,
    // With leases a kwok that starts anew waits 40 s for those of the one before it.
    "--node-lease-duration-seconds=0",
  ];
}

/** The API server without the door before it. */
export function serverUrl(ports: Pick<ClusterPorts, "behindDoor">): string {
  return `https://127.0.0.1:${ports.behindDoor}`;
}

/** Where the cluster's tokens come from, and its clients ask; the API server answers the discovery documents below it. */
export function issuerUrl(ports: Pick<ClusterPorts, "apiServer">): string {
  return `https://127.0.0.1:${ports.apiServer}`;
}
