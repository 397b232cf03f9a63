import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { widthOf } from "../../cli/text.ts";
import { temporaryFolder } from "../commands/processes.ts";
import { mintToken } from "../support/api.ts";
import { activeTenant, ADMIN, arrival, inVerification, outcomeOf, underWay } from "../support/fake-world.ts";
import { CREDENTIAL_FLAGS, linesOf, startService } from "./support/service.ts";

test("an upgrade goes from its request to VERIFICATION, and then to COMPLETED", async () => {
  const { run, world } = await startService();
  await activeTenant(world);
  const upgrade = await run(["upgrade", "acme", "--to", "PROFESSIONAL", ...CREDENTIAL_FLAGS]);
  console.log(upgrade);
  expect(upgrade.code).toBe(0);
});
