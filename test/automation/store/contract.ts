/** What every store must do, whatever it keeps things in. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Operation, TierliftEvent } from "../../../automation/model.ts";
import type { Store } from "../../../automation/store/store.ts";

const operation = (id: string): Operation => ({
  id,
  tenantId: "tenant",
  kind: "PROVISION_SLICE",
  status: "RUNNING",
  startedAt: "2026-01-01T00:00:00.000Z",
});
const event = (id: number): TierliftEvent => ({ id, tenantId: "tenant", at: "", type: "log", data: { id } });

export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    test("finds what was created, and nothing else", async () => {
      await store.operations.create(operation("a"));
      expect(store.operations.get("a")).toEqual(operation("a"));
      expect(store.operations.get("b")).toBeUndefined();
    });

    test("lets a document be looked at, frozen and the same until it changes", async () => {
      await store.operations.create({ ...operation("a"), error: { code: "FIRST", message: "first" } });
      const seen = store.operations.peek("a");
      expect(store.operations.peek("a")).toBe(seen);
      expect(() => Object.assign(seen ?? {}, { status: "DONE" })).toThrow(TypeError);
      await store.operations.update("a", (draft) => {
        draft.status = "DONE";
      });
      expect(seen?.status).toBe("RUNNING");
      expect(store.operations.peek("a")).toEqual(store.operations.get("a"));
      expect(store.operations.peek("b")).toBeUndefined();
    });

    test("lists what matches", async () => {
      await store.operations.create(operation("a"));
      await store.operations.create({ ...operation("b"), status: "DONE" });
      expect(store.operations.list(({ status }) => status === "DONE").map(({ id }) => id)).toEqual(["b"]);
      expect(store.operations.list()).toHaveLength(2);
    });

    test("refuses an id that is taken and keeps the first document", async () => {
      await store.operations.create(operation("a"));
      await expect(store.operations.create({ ...operation("a"), status: "DONE" })).rejects.toThrow("already");
      expect(store.operations.get("a")?.status).toBe("RUNNING");
    });

    test("refuses to update what is not there", async () => {
      await expect(store.operations.update("a", () => undefined)).rejects.toThrow("no operation a");
    });

    test("answers an update with the new document", async () => {
      await store.operations.create(operation("a"));
      const updated = await store.operations.update("a", (draft) => {
        draft.status = "DONE";
      });
      expect(updated.status).toBe("DONE");
      expect(store.operations.get("a")?.status).toBe("DONE");
    });

    test("keeps the document when an update throws half way", async () => {
      await store.operations.create(operation("a"));
      const update = store.operations.update("a", (draft) => {
        draft.status = "DONE";
        throw new Error("half way");
      });
      await expect(update).rejects.toThrow("half way");
      expect(store.operations.get("a")?.status).toBe("RUNNING");
    });

    test("removes a document, whose id is then free", async () => {
      await store.operations.create(operation("a"));
      await store.operations.remove("a");
      expect(store.operations.get("a")).toBeUndefined();
      expect(store.operations.list()).toEqual([]);
      await expect(store.operations.update("a", () => undefined)).rejects.toThrow("no operation a");
      await store.operations.create(operation("a"));
      expect(store.operations.list()).toHaveLength(1);
    });

    test("removes what is not there without a word", async () => {
      await expect(store.operations.remove("a")).resolves.toBeUndefined();
    });

    test("makes updates of one document one after the other", async () => {
      await store.operations.create({ ...operation("a"), resourcesDone: 0 });
      const addOne = () =>
        store.operations.update("a", (draft) => {
          draft.resourcesDone = (draft.resourcesDone ?? 0) + 1;
        });
      await Promise.all(Array.from({ length: 20 }, addOne));
      expect(store.operations.get("a")?.resourcesDone).toBe(20);
    });

    test("hands out copies: changing what was read, written or listed changes nothing", async () => {
      const given = operation("a");
      const created = await store.operations.create(given);
      given.status = "FAILED";
      created.status = "FAILED";
      const read = store.operations.get("a");
      if (read) read.status = "FAILED";
      for (const listed of store.operations.list()) listed.status = "FAILED";
      expect(store.operations.get("a")?.status).toBe("RUNNING");
    });

    test("keeps entries of a log in the order of the appends", async () => {
      const appends = Array.from({ length: 30 }, (_, index) => store.events.append("a", [event(index)]));
      await Promise.all(appends);
      expect((await store.events.read("a")).map(({ id }) => id)).toEqual(appends.map((_, index) => index));
      expect((await store.events.last("a"))?.id).toBe(29);
    });

    test("keeps logs of different keys apart", async () => {
      await store.events.append("a", [event(1)]);
      expect(await store.events.read("b")).toEqual([]);
      expect(await store.events.last("b")).toBeUndefined();
    });

    test("answers the artifact that was put last, and undefined for none", async () => {
      await store.artifacts.put("a", { version: 1 });
      await store.artifacts.put("a", { version: 2 });
      expect(await store.artifacts.get("a")).toEqual({ version: 2 });
      expect(await store.artifacts.get("b")).toBeUndefined();
    });
  });
}
