/** What the local cloud's request log says was made: one line for each request. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { RequestLine } from "../../local/arm/request-log.ts";

/** The log of an installation, oldest first. */
export function readArmLog(home: string): RequestLine[] {
  const text = readFileSync(path.join(home, "logs", "arm-requests.jsonl"), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as RequestLine);
}

/** Ids of resources that were created again without having been deleted in between. */
export function madeTwice(lines: RequestLine[]): string[] {
  const standing = new Set<string>();
  const twice: string[] = [];
  for (const { change, resourceId = "" } of lines) {
    const id = resourceId.toLowerCase();
    if (change === "delete") {
      // What is deleted takes along what is in it.
      for (const one of standing) if (one === id || one.startsWith(`${id}/`)) standing.delete(one);
    }
    if (change !== "create") continue;
    if (standing.has(id)) twice.push(resourceId);
    standing.add(id);
  }
  return twice;
}
