import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { anchorOf, listDocuments, root } from "../support/documents.ts";

const documents = await listDocuments();

it("finds the documents", () => {
  expect(documents).toEqual(
    expect.arrayContaining(["ARCHITECTURE.md", "README.md", path.join("docs", "local-cloud.md")]),
  );
});

describe.each(documents)("%s", (document) => {
  it("links to what exists", async () => {
    const dead: string[] = [];
    for (const link of linksOf(await readFile(path.join(root, document), "utf8"))) {
      const [file = "", anchor] = link.split("#");
      const target =
        file === "" ? path.join(root, document) : path.resolve(root, path.dirname(document), file);
      if (!existsSync(target)) dead.push(link);
      else if (anchor !== undefined && !headingsOf(await readFile(target, "utf8")).includes(anchor))
        dead.push(link);
    }
    expect(dead).toEqual([]);
  });

  it("keeps its lines short, tables and code aside", async () => {
    const text = withoutCode(await readFile(path.join(root, document), "utf8"));
    const long = text.split("\n").filter((line) => line.length > 125 && !line.startsWith("|"));
    expect(long).toEqual([]);
  });
});

it("knows anchors as they are made from headings", () => {
  expect(anchorOf("What `npm start` does, and why")).toBe("what-npm-start-does-and-why");
});

const withoutCode = (text: string) => text.replaceAll(/^```.*?^```/gms, "");

/** Links that stay in the repository. */
function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

function headingsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}
