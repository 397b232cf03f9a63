import { mkdtempSync, appendFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createRequestLog,
  creations,
  readRequestLog,
  type RequestLine,
} from "../../../local/arm/request-log.ts";

const group = "/subscriptions/s/resourceGroups/rg";
const aks = `${group}/providers/Microsoft.ContainerService/managedClusters/aks`;
const line = (change: RequestLine["change"], resourceId: string, status = 201): RequestLine => ({
  time: "2026-01-01T00:00:00.000Z",
  method: change === "delete" ? "DELETE" : "PUT",
  path: resourceId,
  status,
  ms: 1,
  correlationId: "c",
  type: "Microsoft.ContainerService/managedClusters",
  resourceId,
  ...(change && { change }),
});
const again = (...lines: RequestLine[]) => creations(lines).map((one) => [one.made.length, one.again]);

describe("a resource", () => {
  it.each([
    ["is made once however often it is put", [line("create", aks), line("update", aks, 200)], [[1, 0]]],
    ["is not made by what was refused", [line(undefined, aks, 409)], []],
    ["is made twice when nothing deleted it", [line("create", aks), line("create", aks)], [[2, 1]]],
    ["is the same in another case", [line("create", aks), line("create", aks.toUpperCase())], [[2, 1]]],
    ["counts when its answer was a timeout", [line("create", aks, 504), line("create", aks)], [[2, 1]]],
    [
      "may be made again after its deletion",
      [line("create", aks), line("delete", aks), line("create", aks)],
      [[2, 0]],
    ],
    [
      "may be made again after the deletion of its group",
      [line("create", aks), line("delete", group), line("create", aks)],
      [[2, 0]],
    ],
    [
      "is not deleted with a group whose name only begins like its own",
      [line("create", aks), line("delete", group.slice(0, -1)), line("create", aks)],
      [[2, 1]],
    ],
  ])("%s", (_what, lines, expected) => {
    expect(again(...lines)).toEqual(expected);
  });
});

describe("the log", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tierlift-log-"));
    file = join(folder, "logs", "arm-requests.jsonl");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("has a line as soon as it is written, in a file for its owner only", () => {
    const log = createRequestLog(file);
    log.write(line("create", aks));
    expect(readRequestLog(file)).toEqual([line("create", aks)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    log.close();
  });

  it("is read without a last line that was cut off", () => {
    const log = createRequestLog(file);
    log.write(line("create", aks));
    appendFileSync(file, '{"time":"2026-');
    log.close();
    expect(readRequestLog(file)).toHaveLength(1);
  });
});
