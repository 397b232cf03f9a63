import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definitionOf, tokens } from "../../../local/arm/definitions/index.ts";
import { definitionOfToken } from "../../../local/arm/definitions/index.ts";
import { behaviourOf } from "../../../local/arm/types/index.ts";
import type { ArmClient, ArmUnderTest } from "./support/arm.ts";
import { openArm } from "./support/arm.ts";
import type { Ids, Sample } from "./support/samples.ts";
import { pathIn, sampleOf, samples } from "./support/samples.ts";

let arm: ArmUnderTest;
let client: ArmClient;

beforeAll(async () => {
  arm = await openArm();
  client = await arm.as("sp-tenant");
});
afterAll(() => arm.close());

/** What a sample needs, made once, in a group of its own; the sample itself is not there between tests. */
const prepared = new Map<Sample, Promise<{ path: string; ids: Ids }>>();

function prepare(one: Sample): Promise<{ path: string; ids: Ids }> {
  let ready = prepared.get(one);
  if (ready === undefined) prepared.set(one, (ready = makeNeeds(one)));
  return ready;
}

async function makeNeeds(one: Sample): Promise<{ path: string; ids: Ids }> {
  const group = `${client.subscription}/resourceGroups/${one.type.replaceAll(/[./]/g, "-")}`;
  const ids: Ids = {
    of: (type) => pathIn(group, sampleOf(type)),
    tenantId: arm.running.cloud.directory.principal("sp-tenant").tenantId,
    subscription: client.subscription,
  };
  await client.make(group, "2024-03-01", { location: "westeurope" });
  const made = new Set<string>();
  const makeAll = async (types: string[] = []): Promise<void> => {
    for (const type of types) {
      const needed = sampleOf(type);
      await makeAll(needed.needs);
      if (made.has(type)) continue;
      made.add(type);
      await client.make(pathIn(group, needed), needed.version, needed.body(ids));
    }
  };
  await makeAll(one.needs);
  return { path: pathIn(group, one), ids };
}

/** PUT of a new resource, PUT of the same again, DELETE: the status codes that the clients generated from Azure's own specifications accept. */
const statusCodes: Record<string, [created: number[], updated: number[], deleted: number[]]> = {
  "Microsoft.Storage/storageAccounts": [[202], [200], [200]],
  "Microsoft.DBforPostgreSQL/flexibleServers": [[202], [202], [202]],
  "Microsoft.DBforPostgreSQL/flexibleServers/databases": [[202], [202], [202]],
  "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules": [[202], [202], [202]],
  "Microsoft.DBforPostgreSQL/flexibleServers/configurations": [[202], [202], [202]],
  "Microsoft.EventHub/namespaces/eventhubs": [[200], [200], [200]],
  "Microsoft.EventHub/namespaces/eventhubs/consumergroups": [[200], [200], [200]],
  "Microsoft.Insights/diagnosticSettings": [[200], [200], [200]],
  "Microsoft.Authorization/roleAssignments": [[201], [201], [200]],
  "Microsoft.ContainerService/managedClusters": [[201], [200], [202]],
  "Microsoft.ContainerService/managedClusters/agentPools": [[201], [200], [202]],
  "Microsoft.Monitor/accounts": [[201], [200], [202]],
  // Only the vault itself deletes secrets.
  "Microsoft.KeyVault/vaults/secrets": [[200, 201], [200], [405]],
};
const usual: [number[], number[], number[]] = [[200, 201], [200], [200, 202]];

describe.each(samples)("$type", (one) => {
  it("is made, answered, changed and deleted with Azure's status codes", async () => {
    const { path, ids } = await prepare(one);
    const [created, updated, deleted] = statusCodes[one.type] ?? usual;

    const first = await client.put(path, one.version, one.body(ids));
    expect(first.body).not.toHaveProperty("error");
    expect(created).toContain(first.status);
    expect((await client.settle(first)).body).not.toHaveProperty("error");

    const answered = await client.get(path, one.version);
    expect(answered.status).toBe(200);
    expect(answered.body["name"]).toBe(path.split("/").at(-1));
    expect(answered.body["type"]).toBe(behaviourOf(one.type)?.type);
    expect(String(answered.body["id"]).toLowerCase()).toBe(path.toLowerCase());
    expect(JSON.stringify(answered.body)).not.toContain("not to be seen");

    const second = await client.put(path, one.version, one.body(ids));
    expect(second.body).not.toHaveProperty("error");
    expect(updated).toContain(second.status);
    expect((await client.settle(second)).body).not.toHaveProperty("error");

    const gone = await client.delete(path, one.version);
    expect(deleted).toContain(gone.status);
    if (gone.status === 405) return;
    await client.settle(gone);
    expect((await client.get(path, one.version)).status).toBe(404);
    expect((await client.delete(path, one.version)).status).toBe(204);
    await remove(one, path);
  });

  it("takes back what it answered", async () => {
    const { path, ids } = await prepare(one);
    const answered = await client.make(path, one.version, one.body(ids));
    const again = await client.put(path, one.version, { ...answered, ...withSecrets(one, ids) });
    expect(again.body).not.toHaveProperty("error");
    expect((await client.settle(again)).body).not.toHaveProperty("error");
    await remove(one, path);
  });

  it("is refused with a property that the type does not have", async () => {
    const { path, ids } = await prepare(one);
    const body = { ...(one.body(ids) as Record<string, unknown>), noSuchProperty: true };
    const answer = await client.put(path, one.version, body);
    expect(answer.status).toBe(400);
    expect(answer.body["error"]).toMatchObject({ code: "InvalidRequestContent", target: "noSuchProperty" });
  });
});

/** Soft-deleted vaults keep their name: they are purged. */
async function remove(one: Sample, path: string): Promise<void> {
  await client.settle(await client.delete(path, one.version));
  if (one.type !== "Microsoft.KeyVault/vaults") return;
  const deleted = `${client.subscription}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults`;
  await client.post(`${deleted}/${path.split("/").at(-1) ?? ""}/purge`, one.version);
}

/** What is never answered has to be sent again. */
const withSecrets = (one: Sample, ids: Ids): Record<string, unknown> =>
  one.type === "Microsoft.KeyVault/vaults/secrets" ? (one.body(ids) as Record<string, unknown>) : {};

it("knows every type of the published definitions", () => {
  const types = tokens().flatMap((token) => {
    const definition = definitionOfToken(token);
    return definition?.armTypes ? Object.values(definition.armTypes) : [definition?.armType ?? ""];
  });
  expect(types.filter((type) => behaviourOf(type) === undefined)).toEqual([]);
});

it("has a sample for every published type but single record types, groups and singletons", () => {
  const covered = new Set(samples.map((one) => one.type));
  const missing = tokens()
    .map((token) => definitionOfToken(token))
    .filter((definition) => definition !== undefined && definition.armTypes === undefined)
    .map((definition) => definition?.armType ?? "")
    .filter((type) => !covered.has(type));
  expect([...new Set(missing)]).toEqual([
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Storage/storageAccounts/blobServices",
  ]);
  expect(samples.every((one) => definitionOf(one.type)?.apiVersion === one.version)).toBe(true);
});
