import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openContainer } from "../../../commands/demo/container.ts";
import type { ArmResource, Backend } from "../../../local/arm/backend.ts";
import { createBlobBackends, type BlobBackends } from "../../../local/blobs/accounts.ts";
import { send } from "../../../local/blobs/request.ts";
import { ensureAuthority, type Authority } from "../../../local/pki/authority.ts";
import { isPortFree } from "../../../local/ports.ts";
import { resource, viewOf } from "../../support/arm-resources.ts";
import { blobServerProgram } from "../../support/local-parts.ts";

const main = blobServerProgram();
const accountId = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acmest";
const keys = { key1: Buffer.alloc(64, 1).toString("base64"), key2: Buffer.alloc(64, 2).toString("base64") };
const account = (allowSharedKeyAccess: boolean): ArmResource =>
  resource(accountId, { properties: { allowSharedKeyAccess }, private: { keys } });
const data = resource(`${accountId}/blobServices/default/containers/data`);

let dir: string;
let authority: Authority;
let group: BlobBackends;
const resources: ArmResource[] = [account(false), data];
const view = viewOf(resources);

const backend = (type: string): Backend => group.backends.find((candidate) => candidate.type.endsWith(type))!;
const ensureAccount = () => backend("/storageaccounts").ensure(resources[0]!, view);
const endpoint = () => group.accounts()[0]!.endpoint;

/** Azurite reads a token's claims and not its signature. */
function tokenFor(audience: string, issuer = "https://sts.windows.net/directory/"): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { aud: audience, iss: issuer, iat: now, nbf: now - 5, exp: now + 600 };
  return new UnsecuredJWT(claims).encode();
}

const container = (token = tokenFor("https://storage.azure.com")) =>
  openContainer({ endpoint: endpoint(), container: "data", ca: authority.certificate, token });

const withKey = () =>
  send(
    { endpoint: endpoint(), account: "acmest", key: keys.key1, ca: authority.certificate },
    { method: "GET", query: { comp: "list" } },
  );

const text = (body: string) => ({ body: Buffer.from(body), contentType: "text/plain" });

async function fileOf(name: string): Promise<string> {
  const folder = (await readdir(dir)).find((one) => one.startsWith("acmest-"));
  return path.join(dir, folder!, name);
}

const pidNow = async (): Promise<number> =>
  (JSON.parse(await readFile(await fileOf("azurite.pid"), "utf8")) as { pid: number }).pid;

function createGroup(): BlobBackends {
  return createBlobBackends({ dir, main: main!, authority, onChange: () => undefined });
}

describe.skipIf(!main)("a storage account's blob server", () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "tierlift-blobs-"));
    authority = await ensureAuthority(path.join(dir, "pki"));
    group = createGroup();
    await ensureAccount();
    await backend("/containers").ensure(data, view);
  });

  afterAll(async () => {
    await group.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is answered as the account's blob endpoint", async () => {
    expect(await ensureAccount()).toEqual({ primaryEndpoints: { blob: endpoint() } });
    expect(endpoint()).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/acmest\/$/);
  });

  it("lets an identity of the directory write and read", async () => {
    await container().put("a/1.txt", text("one"));
    expect(await container().list("a/")).toEqual(["a/1.txt"]);
  });

  it.each([
    ["for another audience", () => tokenFor("https://vault.azure.net")],
    ["of another issuer", () => tokenFor("https://storage.azure.com", "https://127.0.0.1/")],
  ])("refuses a token %s", async (_, token) => {
    await expect(container(token()).list("")).rejects.toThrow("403 AuthenticationFailed");
  });

  it("refuses the account's keys while shared keys are not allowed, and takes them once they are", async () => {
    expect(await withKey()).toEqual({ status: 400, code: "InvalidAuthenticationInfo" });
    resources[0] = account(true);
    await ensureAccount();
    expect(await withKey()).toMatchObject({ status: 200 });
    resources[0] = account(false);
    await ensureAccount();
    expect(await withKey()).toEqual({ status: 400, code: "InvalidAuthenticationInfo" });
  });

  it("tells the account's keys neither by its arguments nor in its log", async () => {
    const args = await readFile(`/proc/${await pidNow()}/cmdline`, "utf8");
    expect(args).toContain("--oauth");
    expect(args).not.toContain(keys.key1);
    expect(await readFile(await fileOf("azurite.log"), "utf8")).not.toContain(keys.key1);
  });

  it("has a container while there is a container resource", async () => {
    const other = resource(`${accountId}/blobServices/default/containers/models`);
    const models = openContainer({
      endpoint: endpoint(),
      container: "models",
      ca: authority.certificate,
      token: tokenFor("https://storage.azure.com"),
    });
    await expect(models.list("")).rejects.toThrow("ContainerNotFound");
    await backend("/containers").ensure(other, view);
    await backend("/containers").ensure(other, view);
    expect(await models.list("")).toEqual([]);
    await backend("/containers").remove(other, view);
    await expect(models.list("")).rejects.toThrow("ContainerNotFound");
  });

  it("keeps its blobs and its port over a stop and a start", async () => {
    await container().put("kept.txt", text("kept"));
    const before = endpoint();
    await group.stop();
    group = createGroup();
    await ensureAccount();
    expect(endpoint()).toBe(before);
    expect(await container().list("kept")).toEqual(["kept.txt"]);
  });

  it("is brought back when it is killed", async () => {
    const pid = await pidNow();
    process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => {
      expect(await pidNow()).not.toBe(pid);
      expect(await container().list("none")).toEqual([]);
    }, 10_000);
  });

  it("goes with its resource: process, port and folder", async () => {
    const [pid, port] = [await pidNow(), Number(new URL(endpoint()).port)];
    await backend("/storageaccounts").remove(resources[0]!, view);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(await isPortFree(port)).toBe(true);
    expect((await readdir(dir)).filter((name) => name.startsWith("acmest-"))).toEqual([]);
    expect(group.accounts()).toEqual([]);
  });

  it("is reported missing where set-up has not brought the program", async () => {
    const without = createBlobBackends({ dir, main: "", authority, onChange: () => undefined });
    const ensured = without.backends[0]!.ensure(account(false), view);
    await expect(ensured).rejects.toMatchObject({ code: "PartMissing" });
  });
});
