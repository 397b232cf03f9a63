import { mkdirSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { keepOptionalStores } from "../../local/optional-stores.ts";
import { temporaryFolder } from "../commands/processes.ts";

it.each([true, false])("an installation keeps what was found at its first start: %s", async (found) => {
  const folder = path.join(temporaryFolder(), "cloud");
  expect(await keepOptionalStores(folder, { cache: found })).toEqual({ cache: found });
  mkdirSync(path.join(folder, "pki"));
  expect(await keepOptionalStores(folder, { cache: !found })).toEqual({ cache: found });
});

it("an installation that is older than the choice goes on without the store", async () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, "pki"));
  expect(await keepOptionalStores(folder, { cache: true })).toEqual({ cache: false });
});

it("a store that becomes optional later does not change what is kept of another", async () => {
  const folder = path.join(temporaryFolder(), "cloud");
  await keepOptionalStores(folder, { cache: true });
  mkdirSync(path.join(folder, "pki"));
  expect(await keepOptionalStores(folder, { kafka: true })).toEqual({ kafka: false });
  expect(await keepOptionalStores(folder, { cache: false })).toEqual({ cache: true });
});
