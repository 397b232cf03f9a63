import { describe, expect, it } from "vitest";
import { planDeletionOrder } from "../../../automation/data/postgres/order.ts";

const order = (tables: number[], keys: [number, number][]): number[][] =>
  planDeletionOrder(
    tables.map((oid) => ({ oid })),
    keys.map(([from, to]) => ({ from, to })),
  ).map((group) => group.map(({ oid }) => oid).sort());

describe("the order in which tables are emptied", () => {
  it.each<[string, number[], [number, number][], number[][]]>([
    ["a table without keys", [1], [], [[1]]],
    ["a child before its parent", [1, 2], [[2, 1]], [[2], [1]]],
    [
      "a chain from its end",
      [1, 2, 3],
      [
        [2, 1],
        [3, 2],
      ],
      [[3], [2], [1]],
    ],
    [
      "a circle as one group",
      [1, 2, 3],
      [
        [1, 2],
        [2, 1],
        [3, 1],
      ],
      [[3], [1, 2]],
    ],
    ["a table that refers to itself", [1], [[1, 1]], [[1]]],
    [
      "keys of tables that are not asked for",
      [1],
      [
        [9, 1],
        [1, 9],
      ],
      [[1]],
    ],
  ])("has %s", (_, tables, keys, expected) => {
    expect(order(tables, keys)).toEqual(expected);
  });

  it("never empties a table before one that refers to it, in random graphs", () => {
    let seed = 7;
    const random = (below: number): number =>
      (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    for (let round = 0; round < 200; round += 1) {
      const tables = Array.from({ length: 8 }, (_, index) => index);
      const keys = Array.from({ length: random(16) }, () => [random(8), random(8)] as [number, number]);
      const groups = order(tables, keys);
      expect(groups.flat().sort()).toEqual(tables);
      const place = new Map(groups.flatMap((group, index) => group.map((oid) => [oid, index] as const)));
      for (const [from, to] of keys) expect(place.get(from)!).toBeLessThanOrEqual(place.get(to)!);
    }
  });
});
