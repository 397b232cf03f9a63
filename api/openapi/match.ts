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

/** Fixed paths before those with parameters: `/stats` before `/{jobId}`. */
const TEMPLATES = [...new Set(OPERATIONS.map(({ path }) => path))]
  .map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
    operations: OPERATIONS.filter(({ path }) => path === template),
  }))
  .sort((a, b) => a.template.split("{").length - b.template.split("{").length);

export function matchPath(path: string): Match | undefined {
  for (const { template, pattern, operations } of TEMPLATES) {
    const found = pattern.exec(path);
    if (found !== null) return { template, parameters: { ...found.groups }, operations };
  }
  return undefined;
}
