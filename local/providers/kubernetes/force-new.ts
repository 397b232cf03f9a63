import { at, type GroupVersionKind, type KubeObject } from "./object.ts";

/** Settings of the provider that make a changed ConfigMap or Secret an update instead of a replacement. */
export interface Mutability {
  readonly configMaps: boolean;
  readonly secrets: boolean;
}

const selector = ["spec.selector"];
const container = [
  "args",
  "command",
  "env",
  "image",
  "imagePullPolicy",
  "lifecycle",
  "livenessProbe",
  "ports",
  "readinessProbe",
  "resources",
  "securityContext",
  "stdin",
  "stdinOnce",
  "terminationMessagePath",
  "terminationMessagePolicy",
  "tty",
  "volumeDevices",
  "volumeMounts",
  "workingDir",
];
const podSpec = [
  "affinity",
  "automountServiceAccountToken",
  "dnsConfig",
  "dnsPolicy",
  "enableServiceLinks",
  "hostAliases",
  "hostIPC",
  "hostNetwork",
  "hostPID",
  "hostname",
  "imagePullSecrets",
  "nodeName",
  "nodeSelector",
  "overhead",
  "preemptionPolicy",
  "priority",
  "priorityClassName",
  "readinessGates",
  "restartPolicy",
  "runtimeClassName",
  "schedulerName",
  "securityContext",
  "serviceAccount",
  "serviceAccountName",
  "shareProcessNamespace",
  "subdomain",
  "terminationGracePeriodSeconds",
  "volumes",
  ...container.map((field) => `containers[*].${field}`),
  ...container.map((field) => `initContainers[*].${field}`),
];
const volumeSources = [
  "awsElasticBlockStore",
  "azureDisk",
  "azureFile",
  "cephfs",
  "cinder",
  "csi",
  "fc",
  "flexVolume",
  "flocker",
  "gcePersistentDisk",
  "glusterfs",
  "hostPath",
  "iscsi",
  "local",
  "nfs",
  "photonPersistentDisk",
  "portworxVolume",
  "quobyte",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume",
];

/** By `group/version/kind`, the fields the official provider replaces for (its `diff.go`). */
const fields: Readonly<Record<string, readonly string[]>> = {
  "apps/v1/DaemonSet": selector,
  "apps/v1/Deployment": selector,
  "apps/v1/StatefulSet": [
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/v1/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/v1/RoleBinding": ["roleRef"],
  "storage.k8s.io/v1/StorageClass": ["parameters", "provisioner"],
  "/v1/PersistentVolume": volumeSources.map((source) => `spec.${source}`),
  "/v1/PersistentVolumeClaim": [
    "spec.accessModes",
    "spec.selector",
    "spec.storageClassName",
    "spec.volumeName",
  ],
  "/v1/Pod": podSpec.map((field) => `spec.${field}`),
  "/v1/ResourceQuota": ["spec.scopes"],
  "/v1/Service": ["spec.clusterIP"],
};

/** The property paths whose change replaces `object`. */
export function forceNewFields(gvk: GroupVersionKind, object: KubeObject, mutable: Mutability): string[] {
  const immutable = at(object, "immutable") === true;
  const key = `${gvk.group}/${gvk.version}/${gvk.kind}`;
  const own = ["metadata.name", "metadata.namespace"];
  if (key === "/v1/Secret") {
    own.push("type");
    if (immutable || !mutable.secrets) own.push("stringData", "data");
  }
  if (key === "/v1/ConfigMap" && (immutable || !mutable.configMaps)) own.push("binaryData", "data");
  return [...own, ...(fields[key] ?? [])];
}
