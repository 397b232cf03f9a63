/** What a node of an Azure virtual machine size offers. */
export interface NodeSize {
  cpus: number;
  memoryMib: number;
}

/** GiB of memory for each CPU, by family letter, of the current generations (learn.microsoft.com, virtual-machines/sizes). */
const memoryPerCpuGib: Record<string, number> = { A: 2, D: 4, E: 8, F: 2, L: 8, M: 28 };

/** Sizes that do not follow their family's ratio. */
const exceptions: Record<string, NodeSize> = {
  standard_b1ms: gib(1, 2),
  standard_b1s: gib(1, 1),
  standard_b2s: gib(2, 4),
  standard_b2ms: gib(2, 8),
  standard_b2ls_v2: gib(2, 4),
  standard_b2s_v2: gib(2, 8),
  standard_b4ms: gib(4, 16),
  standard_b4ls_v2: gib(4, 8),
  standard_b4s_v2: gib(4, 16),
  standard_b8ms: gib(8, 32),
  standard_ds1_v2: gib(1, 3.5),
  standard_ds2_v2: gib(2, 7),
  standard_ds3_v2: gib(4, 14),
  standard_ds4_v2: gib(8, 28),
  standard_ds5_v2: gib(16, 56),
};

/** CPUs and memory of a size such as `Standard_D4ds_v5`; undefined for a name that is no size this file knows. */
export function parseSize(name: string): NodeSize | undefined {
  const lower = name.toLowerCase();
  const exception = exceptions[lower];
  if (exception) return exception;
  const match = /^standard_([adeflm])(\d+)(?:-\d+)?[a-z]*(?:_v\d+)?$/.exec(lower);
  const ratio = memoryPerCpuGib[match?.[1]?.toUpperCase() ?? ""];
  return match && ratio ? gib(Number(match[2]), Number(match[2]) * ratio) : undefined;
}

/** Millicores AKS keeps for itself, by CPUs (learn.microsoft.com, aks/node-resource-reservations). */
const reservedCpu = [
  [1, 60],
  [2, 100],
  [4, 140],
  [8, 180],
  [16, 260],
  [32, 420],
  [64, 740],
] as const;

/**
 * What is left for pods: CPU in millicores, memory in MiB. AKS from 1.29 on keeps the smaller of 20 MB a pod plus
 * 50 MB, and a quarter of the memory; eviction starts 100 MiB before the end (same page).
 */
export function allocatable(size: NodeSize, maxPods: number): { cpuMillis: number; memoryMib: number } {
  const row = reservedCpu.filter(([cpus]) => cpus <= size.cpus).at(-1) ?? reservedCpu[0];
  const reservedMib = Math.min(20 * maxPods + 50, Math.floor(size.memoryMib / 4));
  return { cpuMillis: size.cpus * 1000 - row[1], memoryMib: size.memoryMib - reservedMib - 100 };
}

function gib(cpus: number, memoryGib: number): NodeSize {
  return { cpus, memoryMib: memoryGib * 1024 };
}
