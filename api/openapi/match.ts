/** Which documented operation a request is for, also when it never came as far as its handler. Pure. */
import { OPERATIONS } from "./operations.ts";
import type { ApiOperation } from "./operations.ts";

export interface Match {
  /** The path as documented, for example `/api/v1/migrations/{jobId}`. */
  template: string;
  /** Values of the path's parameters. */
  parameters: Record<string, string>;
  /** What can be done there, one operation for each method. */
  operations: ApiOperation[];
}

interface Template {
  template: string;
  /** The path's segments; `{name}` stands for any. */
  segments: string[];
  operations: ApiOperation[];
}

/** By their number of segments; fixed paths before those with parameters: `/stats` before `/{jobId}`. */
const TEMPLATES = new Map<number, Template[]>();
for (const template of [...new Set(OPERATIONS.map(({ path }) => path))].sort(byParameters)) {
  const segments = template.split("/");
  const operations = OPERATIONS.filter(({ path }) => path === template);
  TEMPLATES.set(segments.length, [
    ...(TEMPLATES.get(segments.length) ?? []),
    { template, segments, operations },
  ]);
}

export function matchPath(path: string): Match | undefined {
  const given = path.split("/");
  const found = TEMPLATES.get(given.length)?.find(({ segments }) => fits(segments, given));
  if (found === undefined) return undefined;
  const { template, segments, operations } = found;
  return { template, parameters: parametersOf(segments, given), operations };
}

/** A parameter is never empty. */
function fits(segments: string[], given: string[]): boolean {
  return segments.every((segment, index) => {
    return isParameter(segment) ? given[index] !== "" : given[index] === segment;
  });
}

function parametersOf(segments: string[], given: string[]): Record<string, string> {
  const parameters: Record<string, string> = {};
  segments.forEach((segment, index) => {
    if (isParameter(segment)) parameters[segment.slice(1, -1)] = given[index] ?? "";
  });
  return parameters;
}

const isParameter = (segment: string): boolean => segment.startsWith("{");

function byParameters(a: string, b: string): number {
  return a.split("{").length - b.split("{").length;
}
