import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { ArmUnderTest } from "../local/arm/support/arm.ts";
import { openArm } from "../local/arm/support/arm.ts";
import { dedicatedPart, tenantSpec } from "../stacks/program-mocks.ts";
import type { Clients } from "./support/clients.ts";
import { createClients } from "./support/clients.ts";
import type { Read } from "./support/readers.ts";
import { placeOf, readers } from "./support/readers.ts";
import type { MadeResource } from "./support/stack.ts";
import { accountOf, makeStack } from "./support/stack.ts";

// Two whole stacks are made, one request after the other on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

let arm: ArmUnderTest;
let made: MadeResource[];
let clients: Map<string, Clients>;

beforeAll(async () => {
  arm = await openArm();
  const platform = await makeStack(arm, {
    kind: "platform",
    zoneName: "matih.example",
    region: "westeurope",
  });
  const dedicated = dedicatedPart(accountOf(arm, "sp-tenant"));
  const tenant = await makeStack(arm, tenantSpec({ dedicated, next: true }), { platform: platform.outputs });
  made = [...platform.made, ...tenant.made];
  const ofPrincipal = (name: string): [string, Clients] => {
    // In the version that the stacks wrote in: another shows other properties.
    const one = createClients(arm, name, { version: "published" });
    return [one.subscriptionId, one];
  };
  clients = new Map(["tierlift-platform", "sp-tenant"].map(ofPrincipal));
});
afterAll(() => arm?.close());

const typeOf = ({ definition, inputs }: MadeResource): string =>
  definition.armType.replace(
    "{recordType}",
    typeof inputs["recordType"] === "string" ? inputs["recordType"] : "",
  );

const clientsOf = ({ id }: MadeResource): Clients => {
  const [, subscription = ""] = /^\/subscriptions\/([^/]+)/.exec(id) ?? [];
  const found = clients.get(subscription);
  if (found === undefined) throw new Error(`no clients for ${id}`);
  return found;
};

const readerOf = (one: MadeResource) => {
  const reader = readers.get(typeOf(one));
  if (reader === undefined) throw new Error(`no reader for ${typeOf(one)}`);
  return reader;
};

const normalized = (text: unknown): string => String(text).toLowerCase().replaceAll(" ", "");

it("every type that the stacks declare can be read by one of Microsoft's clients", () => {
  expect(made.length).toBeGreaterThan(150);
  expect([...new Set(made.map(typeOf))].filter((type) => !readers.has(type))).toEqual([]);
});

it("what the stacks made is got by Microsoft's clients with its id, name, location and tags", async () => {
  for (const one of made) {
    const { inputs, id } = one;
    const model = await readerOf(one).get(clientsOf(one), placeOf(id), {});
    expect(model.id?.toLowerCase()).toBe(id.toLowerCase());
    expect(id.toLowerCase().endsWith(`/${model.name?.toLowerCase()}`), `${id} is called ${model.name}`).toBe(
      true,
    );
    if (inputs["location"] !== undefined)
      expect(normalized(model.location), id).toBe(normalized(inputs["location"]));
    if (inputs["tags"] !== undefined) expect(model.tags, id).toEqual(inputs["tags"]);
  }
});

it("what the stacks made is on the lists of Microsoft's clients", async () => {
  const lists = new Map<string, Promise<Set<string>>>();
  const missing: string[] = [];
  for (const one of made) {
    const { list } = readerOf(one);
    if (list === undefined) continue;
    const place = placeOf(one.id);
    const key = `${typeOf(one)} ${one.id.slice(0, one.id.lastIndexOf("/"))}`;
    if (!lists.has(key)) lists.set(key, idsOf(list(clientsOf(one), place)));
    if (!(await lists.get(key))!.has(one.id.toLowerCase())) missing.push(one.id);
  }
  expect(missing).toEqual([]);
});

async function idsOf(list: AsyncIterable<Read>): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { id = "" } of list) ids.add(id.toLowerCase());
  return ids;
}
