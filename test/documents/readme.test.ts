import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { endpointsOf } from "../../commands/endpoints.ts";
import type { Endpoints } from "../../commands/endpoints.ts";
import { describeVariables } from "../../commands/variables.ts";
import { root } from "../support/documents.ts";

const readme = await readFile(path.join(root, "README.md"), "utf8");

describe("README", () => {
  it("shows the table of settings as the settings are", () => {
    const table = describeVariables();
    const [header = ""] = table.split("\n");
    const from = readme.indexOf(header);
    expect(readme.slice(from, readme.indexOf("\n\n", from))).toBe(table);
  });

  it("names commands of npm that exist", async () => {
    const { scripts } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const commands = [...readme.matchAll(/^```sh\n.*?^```|`[^`\n]+`/gms)].map(([text]) => text);
    const named = [...commands.join("\n").matchAll(/\bnpm (?:run )?([a-z]+(?::[a-z]+)?)/g)].map(
      ([, name = ""]) => name,
    );
    expect(named).toEqual(
      expect.arrayContaining(["demo", "start", "stop", "token", "pulumi", "test", "check"]),
    );
    expect(named.filter((name) => !(name in scripts) && !OF_NPM.has(name))).toEqual([]);
  });

  it("begins with the commands for the main job and the tests", () => {
    const [first = ""] = /(?<=```sh\n).*?(?=\n```)/s.exec(readme) ?? [];
    expect(first.split("\n")).toEqual(["npm run demo", "npm test"]);
  });

  it("shows endpoints.json with the members it has", () => {
    const [example = ""] = /(?<=```json\n).*?(?=\n```)/s.exec(readme) ?? [];
    const shown = JSON.parse(example) as Endpoints;
    const { api, arm, ca, armTokenFile, dns, clusters, postgres, blobs, cache, kafka, credentials } = shown;
    const written = endpointsOf(api, {
      pid: 1,
      armUrl: arm,
      metadataHost: "127.0.0.1:1",
      caFile: ca,
      operatorTokenFile: armTokenFile,
      dns,
      platform: { clientId: "", clientSecretFile: "", azureTenantId: "", subscriptionId: "" },
      platformVaultUrl: "",
      clusters: [{ name: "", resourceId: "", kubeconfig: "" }],
      postgres: [{ resourceId: "", host: "", port: 0, user: "", passwordFile: "" }],
      blobs: [{ resourceId: "", endpoint: "" }],
      cache: [{ resourceId: "", host: "", port: 0, passwordFile: "" }],
      kafka: [{ resourceId: "", bootstrapServers: "" }],
      credentials,
    });
    expect(keysOf(shown)).toEqual(keysOf(written));
    expect(clusters.map(keysOf)).toEqual(written.clusters.map(keysOf));
    expect(postgres.map(keysOf)).toEqual(written.postgres.map(keysOf));
    expect(blobs.map(keysOf)).toEqual(written.blobs.map(keysOf));
    expect(cache?.map(keysOf)).toEqual(written.cache?.map(keysOf));
    expect(kafka?.map(keysOf)).toEqual(written.kafka?.map(keysOf));
    const members: Record<keyof Endpoints["credentials"], true> = {
      clientId: true,
      clientSecretRef: true,
      azureTenantId: true,
      subscriptionId: true,
    };
    expect(keysOf(credentials)).toEqual(keysOf(members));
    expect(keysOf(dns)).toEqual(["host", "port"]);
  });
});

/** `npm ci`, and the words of a message that says "npm package". */
const OF_NPM = new Set(["ci", "package"]);

const keysOf = (value: object) => Object.keys(value).sort();
