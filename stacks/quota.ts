/** How much of a subscription's quotas a dedicated footprint takes when it is made. */
import { planUserPools, SYSTEM_POOL, VM_SIZES } from "./azure-sizes.ts";
import type { VmSize } from "./azure-sizes.ts";
import type { DedicatedTier } from "./spec.ts";

/** The NAT gateway's address and the ingress's. */
const PUBLIC_ADDRESSES = 2;
/** An upgrade adds one node to a pool before it takes one away; Azure counts it from the start. */
const SURGE_NODES = 1;

/** Cores by the names that Azure's usages give them (`cores` is the region's total), and public addresses. */
export function planQuota(tier: DedicatedTier): { cores: Record<string, number>; publicAddresses: number } {
  const pools = [
    { vmSize: SYSTEM_POOL.vmSize as VmSize, nodes: SYSTEM_POOL.count },
    ...planUserPools(tier).map(({ vmSize, minCount }) => ({ vmSize, nodes: minCount })),
  ];
  const cores: Record<string, number> = { cores: 0 };
  for (const { vmSize, nodes } of pools) {
    const needed = VM_SIZES[vmSize].cores * (nodes + SURGE_NODES);
    const family = familyOf(vmSize);
    cores["cores"] = (cores["cores"] ?? 0) + needed;
    cores[family] = (cores[family] ?? 0) + needed;
  }
  return { cores, publicAddresses: PUBLIC_ADDRESSES };
}

/** `Standard_D4ds_v5` belongs to `standardDDSv5Family`. */
export function familyOf(vmSize: VmSize): string {
  const [, letter = "", features = "", version = ""] =
    /^Standard_([A-Z])\d+([a-z]*)_(v\d+)$/.exec(vmSize) ?? [];
  return `standard${letter}${features.toUpperCase()}${version}Family`;
}
