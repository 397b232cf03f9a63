/** What the kernel tells of processes (Linux): parents, processor time, memory. */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessFacts {
  pid: number;
  parent: number;
  commandLine: string;
}

/** Of `sysconf(_SC_CLK_TCK)`, which is 100 wherever Linux runs Node.js. */
const TICKS_PER_SECOND = 100;

/** Whether this system has what the functions below read. */
export function canReadProcesses(): boolean {
  return process.platform === "linux";
}

/** All processes there are now. */
export function listProcesses(): ProcessFacts[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const stat = read(`/proc/${name}/stat`);
    const commandLine = read(`/proc/${name}/cmdline`);
    if (stat === undefined || commandLine === undefined) return [];
    return [
      {
        pid: Number(name),
        parent: Number(fieldsOf(stat)[1]),
        commandLine: commandLine.replaceAll("\0", " ").trim(),
      },
    ];
  });
}

/** A process and all that descend from it. */
export function familyOf(root: number, processes: readonly ProcessFacts[]): ProcessFacts[] {
  const family = processes.filter(({ pid }) => pid === root);
  for (const member of family) family.push(...processes.filter(({ parent }) => parent === member.pid));
  return family;
}

/** Proportional set size: a page that several processes share counts in parts. In MB; 0 for a process that is gone. */
export function memoryOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

/** Processor time that a process has had, in microseconds. */
export function processorTimeOf(pid: number): number {
  const fields = fieldsOf(read(`/proc/${pid}/stat`) ?? "");
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND) * 1e6;
}

/** The fields of a stat line behind the name, which may hold anything; the state comes first. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // gone meanwhile
  }
}
