/** The local cloud's table of Azure's durations, as `GET /local/durations` tells it. Pure. */
import { definitionOfToken } from "../local/arm/definitions/index.ts";
import type { DurationOf } from "./critical-path.ts";

type Range = readonly [low: number, high: number];

/** By resource type; `*` is every other type. In seconds. */
export type DurationTable = Readonly<Record<string, Readonly<Record<"create" | "update" | "delete", Range>>>>;

/** Middles of the ranges times `factor`, for the types of Azure's resources by their Pulumi tokens. */
export function durationsFrom(table: DurationTable, factor: number): DurationOf {
  const lowerCase = new Map(Object.entries(table).map(([type, row]) => [type.toLowerCase(), row]));
  return (token, change) => {
    const type = definitionOfToken(token)?.armType;
    if (type === undefined) return 0;
    const row = lowerCase.get(type.toLowerCase()) ?? lowerCase.get("*");
    if (row === undefined) throw new Error(`the table of durations has no row for ${type}, nor for others`);
    const [low, high] = row[change];
    return ((low + high) / 2) * 1000 * factor;
  };
}
