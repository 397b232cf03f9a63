import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diffConfig } from "../../../../local/providers/kubernetes/config.ts";
import { parseKubeconfig } from "../../../../local/providers/kubernetes/kubeconfig.ts";
import { Unknown, type PropertyMap } from "../../../../local/providers/protocol/values.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const config = (server: string, user: object = { token: "t" }) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "certificate-authority-data": base64("authority") } }],
    users: [{ name: "u", user }],
    contexts: [
      { name: "one", context: { cluster: "c", user: "u" } },
      { name: "two", context: { cluster: "c", user: "u", namespace: "apps" } },
    ],
    "current-context": "one",
  });

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "tierlift-kubeconfig-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("a kubeconfig", () => {
  it("is read from its text", async () => {
    const connection = await parseKubeconfig(config("https://a:1"));
    expect(connection).toMatchObject({ server: "https://a:1", token: "t", ca: "authority", namespace: "" });
  });

  it("is read from its path, and its files from beside it", async () => {
    const file = join(dir, "config");
    writeFileSync(
      file,
      config("https://a:1", { "client-certificate": "user.crt", "client-key": "user.key" }),
    );
    writeFileSync(join(dir, "user.crt"), "certificate");
    writeFileSync(join(dir, "user.key"), "key");
    expect(await parseKubeconfig(file)).toMatchObject({ cert: "certificate", key: "key" });
  });

  it("is read in the context that is asked for", async () => {
    const connection = await parseKubeconfig(config("https://a:1"), { context: "two" });
    expect(connection.namespace).toBe("apps");
  });

  it.each([
    ["an exec plugin", config("https://a:1", { exec: { command: "login" } }), /exec plugin/],
    [
      "a context that is not there",
      config("https://a:1").replace('"one"}', '"three"}'),
      /no context "three"/,
    ],
    ["no YAML", "{apiVersion: [", /neither YAML nor JSON/],
    ["no file", "/no/such/kubeconfig", /there is no kubeconfig at/],
  ])("with %s is refused", async (_what, text, message) => {
    await expect(parseKubeconfig(text)).rejects.toThrow(message);
  });
});

describe("the provider's settings", () => {
  const differ = (oldInputs: PropertyMap, news: PropertyMap) =>
    diffConfig({ urn: "", name: "", type: "", id: "", olds: oldInputs, oldInputs, news, ignoreChanges: [] });

  it("replace the provider when the server is another", async () => {
    const diff = await differ({ kubeconfig: config("https://a:1") }, { kubeconfig: config("https://b:1") });
    expect(diff).toEqual({ changes: "some", diffs: ["kubeconfig"], replaces: ["kubeconfig"] });
  });

  it("update the provider when only the credentials are others", async () => {
    const diff = await differ(
      { kubeconfig: config("https://a:1") },
      { kubeconfig: config("https://a:1", { token: "other" }) },
    );
    expect(diff).toEqual({ changes: "some", diffs: ["kubeconfig"], replaces: [] });
  });

  it("replace the provider while its kubeconfig is not known", async () => {
    const diff = await differ({ kubeconfig: config("https://a:1") }, { kubeconfig: new Unknown() });
    expect(diff.replaces).toEqual(["kubeconfig"]);
  });

  it("replace a provider with an identity exactly when that is known to change", async () => {
    const before = { kubeconfig: config("https://a:1"), clusterIdentifier: "one" };
    const moved = await differ(before, { kubeconfig: config("https://b:1"), clusterIdentifier: "one" });
    expect(moved).toEqual({ changes: "some", diffs: ["kubeconfig"], replaces: [] });
    const other = await differ(before, { ...before, clusterIdentifier: "two" });
    expect(other).toEqual({
      changes: "some",
      diffs: ["clusterIdentifier"],
      replaces: ["clusterIdentifier"],
    });
    const unknown = await differ(before, { kubeconfig: new Unknown(), clusterIdentifier: new Unknown() });
    expect(unknown.replaces).toEqual([]);
    expect(await differ(before, { ...before })).toEqual({ changes: "none" });
  });

  it("are the same with another version of the SDK", async () => {
    const kubeconfig = config("https://a:1");
    expect(await differ({ kubeconfig, version: "1" }, { kubeconfig, version: "2" })).toEqual({
      changes: "none",
    });
  });
});
