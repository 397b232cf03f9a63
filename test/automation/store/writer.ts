/** Writes to a store as fast as it can and tells its parent after each confirmed round, until it is killed. */
import { openFileStore } from "../../../automation/store/file-store.ts";

const store = await openFileStore(process.argv[2] ?? "");
await store.operations.create({
  id: "counter",
  tenantId: "t",
  kind: "PROVISION_SLICE",
  status: "RUNNING",
  startedAt: "now",
  resourcesDone: 0,
});
for (let count = 1; process.connected; count += 1) {
  await store.operations.update("counter", (draft) => {
    draft.resourcesDone = count;
  });
  await store.events.append("t", [{ id: count, tenantId: "t", at: "now", type: "log", data: {} }]);
  process.send?.(count);
}
await store.close();
