import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definitionOfToken, tokens } from "../../local/arm/definitions/index.ts";
import type { ArmUnderTest } from "../local/arm/support/arm.ts";
import { openArm } from "../local/arm/support/arm.ts";
import type { Clients } from "./support/clients.ts";
import { createClients } from "./support/clients.ts";
import type { Place, Row } from "./support/rows.ts";
import { rowOf, rows } from "./support/rows.ts";

let arm: ArmUnderTest;
let clients: Clients;

beforeAll(async () => {
  arm = await openArm();
  clients = createClients(arm);
});
afterAll(() => arm.close());

/** A group of the type's own, with everything that it needs. */
async function prepare(one: Row, clients: Clients, prefix: string): Promise<Place> {
  const group = `${prefix}-${one.type.replaceAll(/[./]/g, "-")}`;
  const made = new Map<string, string>();
  const place: Place = {
    clients,
    group,
    word: createHash("sha256").update(group).digest("hex").slice(0, 8),
    id: (type) => made.get(type) ?? "",
  };
  await clients.resources.resourceGroups.createOrUpdate(group, { location: "westeurope" });
  const makeAll = async (types: string[]): Promise<void> => {
    for (const type of types) {
      await makeAll(rowOf(type).needs);
      if (made.has(type)) continue;
      made.set(type, (await rowOf(type).make(place)).id ?? "");
    }
  };
  await makeAll(one.needs);
  return place;
}

async function idsOf(list: AsyncIterable<{ id?: string | undefined }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of list) ids.push((id ?? "").toLowerCase());
  return ids;
}

const statusOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no error",
    (error: unknown) => (error as { statusCode?: number }).statusCode,
  );

describe.each(rows)("$type", (one) => {
  it.each(["own", "published"] as const)(
    "is made, read, listed and deleted in the %s version",
    async (version) => {
      const place = await prepare(one, createClients(arm, "sp-tenant", { version }), version);
      const { id = "" } = await one.make(place);
      expect(id.toLowerCase()).toContain(`/resourcegroups/${place.group.toLowerCase()}/`);
      expect((await one.read(place)).id).toBe(id);
      if (one.list) expect(await idsOf(one.list(place))).toContain(id.toLowerCase());
      if (!one.remove) return;
      await one.remove(place);
      expect(await statusOf(one.read(place))).toBe(404);
      if (one.list) expect(await idsOf(one.list(place))).not.toContain(id.toLowerCase());
    },
  );
});

it("groups are made, read, listed, checked and deleted with what is in them", async () => {
  const { resourceGroups, resources } = clients.resources;
  const tags = { tenant: "acme" };
  const made = await resourceGroups.createOrUpdate("whole", { location: "westeurope", tags });
  expect(await resourceGroups.get("whole")).toMatchObject({ id: made.id, tags });
  expect(await idsOf(resourceGroups.list())).toContain(made.id?.toLowerCase());
  await clients.network.networkSecurityGroups.beginCreateOrUpdateAndWait("whole", "nsg", {
    location: "westeurope",
  });
  expect(await idsOf(resources.listByResourceGroup("whole"))).toHaveLength(1);
  await resourceGroups.beginDeleteAndWait("whole");
  expect((await resourceGroups.checkExistence("whole")).body).toBe(false);
});

it("every type that the stacks may declare has its row", () => {
  const covered = new Set(rows.map((one) => one.type));
  const declared = tokens().map((token) => definitionOfToken(token));
  const missing = declared
    .flatMap((one) => (one?.armTypes ? `${one.armType.replace("{recordType}", "A")}` : (one?.armType ?? "")))
    .filter((type) => !covered.has(type));
  // Made with the account; its containers show it.
  expect([...new Set(missing)]).toEqual([
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Storage/storageAccounts/blobServices",
  ]);
});
