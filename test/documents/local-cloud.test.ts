import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { principalSeeds } from "../../local/arm/identity/principals.ts";
import { root } from "../support/documents.ts";

const page = await readFile(path.join(root, "docs", "local-cloud.md"), "utf8");

it("lists the directory's principals with the names of their references", () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| `([a-z-]+)` \|/gm)].map(([, name, reference]) => ({
    name,
    reference,
  }));
  expect(rows).toEqual(principalSeeds.map(({ name, reference = `${name}-secret` }) => ({ name, reference })));
});
