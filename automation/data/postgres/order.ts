/** In which order tables can be emptied. */

interface Node {
  oid: number;
}

/**
 * Groups of tables, referring ones before those they refer to; tables that refer to each other in a circle are one
 * group (Tarjan's strongly connected components, which come out in this order when edges are followed backwards).
 */
export function planDeletionOrder<T extends Node>(tables: T[], keys: { from: number; to: number }[]): T[][] {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const referring = new Map<number, number[]>(tables.map(({ oid }) => [oid, []]));
  for (const { from, to } of keys) {
    if (byOid.has(from)) referring.get(to)?.push(from);
  }
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const groups: T[][] = [];

  const visit = (oid: number): void => {
    index.set(oid, index.size);
    low.set(oid, index.get(oid)!);
    stack.push(oid);
    for (const next of referring.get(oid) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(oid, Math.min(low.get(oid)!, low.get(next)!));
      } else if (stack.includes(next)) {
        low.set(oid, Math.min(low.get(oid)!, index.get(next)!));
      }
    }
    if (low.get(oid) !== index.get(oid)) return;
    const group = stack.splice(stack.indexOf(oid));
    groups.push(group.map((member) => byOid.get(member)!));
  };
  for (const { oid } of tables) if (!index.has(oid)) visit(oid);
  return groups;
}
