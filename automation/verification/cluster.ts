/** Reading a dedicated cluster: what verification wants to know of it. */
import https from "node:https";
import {
  AppsV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  KubeConfig,
  KubernetesObjectApi,
  ApiException,
} from "@kubernetes/client-node";

import type { ClusterAddress } from "../model.ts";
import type { DeclaredObject } from "./objects.ts";

export interface Rollout {
  name: string;
  wanted: number;
  available: number;
}

export interface ClusterReader {
  rollouts(namespace: string): Promise<Rollout[]>;
  /** Ready addresses behind each service, by the service's name. */
  readyEndpoints(namespace: string): Promise<Map<string, number>>;
  /** Pods by service that say they are to be scraped. */
  scrapeTargets(namespace: string): Promise<Map<string, number>>;
  exists(object: DeclaredObject): Promise<boolean>;
  /** The object as the API server has it; undefined where there is none. */
  read(object: DeclaredObject): Promise<Record<string, unknown> | undefined>;
}

const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
const APP_LABEL = "app.kubernetes.io/name";
const SCRAPE_ANNOTATION = "prometheus.io/scrape";

/** Reads the cluster that a kubeconfig (its content) leads to. */
export function createClusterReader(kubeconfig: string): ClusterReader {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const apps = config.makeApiClient(AppsV1Api);
  const core = config.makeApiClient(CoreV1Api);
  const discovery = config.makeApiClient(DiscoveryV1Api);
  const objects = KubernetesObjectApi.makeApiClient(config);
  const read: ClusterReader["read"] = async ({ apiVersion, kind, name, namespace }) => {
    try {
      const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
      return (await objects.read({ apiVersion, kind, metadata })) as unknown as Record<string, unknown>;
    } catch (error) {
      if (error instanceof ApiException && error.code === 404) return undefined;
      throw error;
    }
  };

  return {
    rollouts: async (namespace) => {
      const { items } = await apps.listNamespacedDeployment({ namespace });
      return items.map(({ metadata, spec, status }) => ({
        name: metadata?.name ?? "",
        wanted: spec?.replicas ?? 1,
        available: status?.availableReplicas ?? 0,
      }));
    },
    readyEndpoints: async (namespace) => {
      const { items } = await discovery.listNamespacedEndpointSlice({ namespace });
      return countBy(
        items.map(({ metadata, endpoints }) => ({
          key: metadata?.labels?.[SERVICE_NAME_LABEL],
          count: (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).length,
        })),
      );
    },
    scrapeTargets: async (namespace) => {
      const { items } = await core.listNamespacedPod({ namespace });
      const scraped = items.filter(({ metadata }) => metadata?.annotations?.[SCRAPE_ANNOTATION] === "true");
      return countBy(scraped.map(({ metadata }) => ({ key: metadata?.labels?.[APP_LABEL], count: 1 })));
    },
    exists: async (object) => (await read(object)) !== undefined,
    read,
  };
}

function countBy(entries: { key: string | undefined; count: number }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key, count } of entries)
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + count);
  return counts;
}

const PROBE_TIMEOUT_MS = 5_000;

/**
 * Whether an API server still answers under a certificate of its own authority: the address may be another server's by
 * now. One that cannot be reached is gone.
 */
export function answersAt({ server, authority }: ClusterAddress, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { ca: authority, timeout: PROBE_TIMEOUT_MS, signal, agent: false };
    const request = https.get(new URL("/version", server), options, (response) => {
      response.resume();
      resolve(true);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
