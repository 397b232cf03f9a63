import { expect, it } from "vitest";
import { closeClient } from "../../../../automation/data/kafka/cluster.ts";

it("waits for the end of a client that ends, and not for ever for one that does not", async () => {
  const order: string[] = [];
  await closeClient(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    order.push("ended");
  });
  order.push("closed");
  expect(order).toEqual(["ended", "closed"]);
  await closeClient(() => Promise.reject(new Error("its broker is gone")));
  const startedMs = performance.now();
  await closeClient(() => new Promise<never>(() => undefined));
  expect(performance.now() - startedMs).toBeGreaterThan(1_900);
}, 10_000);
