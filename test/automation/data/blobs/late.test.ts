import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { planAside } from "../../../../automation/data/blobs/aside.ts";
import { planLate } from "../../../../automation/data/blobs/late.ts";
import { blobServerProgram } from "../../../support/local-parts.ts";
import { startAccounts } from "./accounts.ts";
import { ACME } from "../mover.ts";
import type { Accounts } from "./accounts.ts";
import { after, AS_OF, blob } from "./states.ts";

const main = blobServerProgram();
const plain = (body: string) => ({ body: Buffer.from(body), contentType: "text/plain" });

describe("where a late blob goes", () => {
  it.each([
    ["a copy of its present state", { changedAt: after }, { mark: "0x2" }, undefined],
    ["a copy of a state before", { changedAt: after }, { mark: "0x1" }, { replaces: "0x9" }],
    ["nothing, and it is new", { changedAt: after }, undefined, { replaces: "nothing" }],
    ["nothing, since it was deleted there", {}, undefined, undefined],
    ["what the new side wrote over the copy", {}, {}, undefined],
    ["what the new side wrote, and both did", { changedAt: after }, {}, "aside"],
  ])("where the new side has %s", (_, source, target, expected) => {
    const there = target && blob({ ...target, etag: "0x9" });
    expect(planLate(blob(source), there, AS_OF)).toEqual(expected);
  });

  it("is put beside under a name that says whose state it is, and of when", () => {
    const late = blob({ changedAt: after });
    expect(planAside(late, "source")).toBe("a.csv.shared-20260301T100000Z");
    expect(planAside(late, "target")).toBe("a.csv.own-20260301T100000Z");
  });
});

describe.skipIf(!main)(
  "blobs that are written on the shared side after the switch",
  { timeout: 60_000 },
  () => {
    let accounts: Accounts;
    beforeAll(async () => {
      accounts = await startAccounts(main!);
    }, 60_000);
    afterAll(() => accounts.stop());

    const late = (asOf?: string) => {
      const { blobs } = accounts.document as { blobs: object };
      return accounts.run("late", { ...accounts.document, tenant: ACME, blobs: { ...blobs, asOf } });
    };
    const ownText = async (name: string) => (await accounts.own.read(name)).body.toString();

    beforeEach(async () => {
      const { shared, own } = accounts;
      for (const name of await shared.list("")) await shared.remove(name);
      for (const name of await own.list("")) await own.remove(name);
      for (const name of ["kept", "changed", "both", "dropped", "own"])
        await shared.put(`acme/${name}`, plain(name));
      await accounts.run("copy");
    });

    it("come over, without replacing or undoing what the new side has done", async () => {
      const { shared, own } = accounts;
      await sleep(1_100);
      const asOf = new Date().toISOString();
      await shared.put("acme/changed", plain("changed late"));
      await shared.put("acme/both", plain("late"));
      await shared.put("acme/new", plain("new"));
      await shared.put("acme-corp/new", plain("another tenant's"));
      await own.put("both", plain("the new side's"));
      await own.put("own", plain("the new side's"));
      await own.remove("dropped");

      const { code, report } = await late(asOf);
      expect(code).toBe(0);
      expect(report).toMatchObject({ copied: { blobs: 3, bytes: 12 + 4 + 3 }, aside: [expect.any(String)] });
      const [aside] = report["aside"] as [string];
      expect(aside).toMatch(/^both\.shared-\d{8}T\d{6}Z$/);
      expect(await own.list("")).toEqual(["both", aside, "changed", "kept", "new", "own"]);
      expect(await ownText("changed")).toBe("changed late");
      expect(await ownText("both")).toBe("the new side's");
      expect(await ownText(aside)).toBe("late");
      expect(await ownText("own")).toBe("the new side's");

      expect((await late(asOf)).report).toMatchObject({ copied: { blobs: 0, bytes: 0 }, aside: [] });
    });

    it("are not looked for without the time at which both sides were the same", async () => {
      const { code, stderr } = await late();
      expect(code).toBe(2);
      expect(stderr).toContain("blobs.asOf is missing");
    });
  },
);
