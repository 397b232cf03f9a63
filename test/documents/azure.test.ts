import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ACTIONS, NAMESPACES } from "../../automation/azure/service-principal.ts";
import { PHASES } from "../../automation/model.ts";
import { VARIABLES } from "../../commands/variables.ts";
import { root } from "../support/documents.ts";

const page = await readFile(path.join(root, "docs", "azure.md"), "utf8");

describe("the page on Azure", () => {
  it("names every action that a tenant's principal is checked for", () => {
    expect(ACTIONS.filter((action) => !page.includes(`\`${action}\``))).toEqual([]);
  });

  it("names every resource provider that has to be registered", () => {
    const [list = ""] = /these resource providers registered.*?;/s.exec(page) ?? [];
    const named = [...list.matchAll(/(?:Microsoft)?\.([A-Z]\w+)/g)].map(
      ([, name = ""]) => `Microsoft.${name}`,
    );
    expect(named.sort()).toEqual([...NAMESPACES].sort());
  });

  it("names settings that exist", () => {
    const named = [...page.matchAll(/`((?:[A-Z]+_)+[A-Z]+)`/g)].map(([, name = ""]) => name);
    expect(named).toContain("PLATFORM_KEY_VAULT_URL");
    expect(named.filter((name) => !(name in VARIABLES) && !NOT_OURS.has(name))).toEqual([]);
  });
});

/** Phases, and what other programs read. */
const NOT_OURS = new Set<string>([...PHASES, "HTTPS_PROXY", "NO_PROXY"]);
