import { expect, test } from "vitest";
import { inParallel } from "../../../automation/data/in-parallel.ts";

async function* numbers(count: number, taken: number[] = []): AsyncGenerator<number> {
  for (let number = 1; number <= count; number += 1) {
    taken.push(number);
    yield await Promise.resolve(number);
  }
}

test("no more than allowed are worked on at once, and all of them are", async () => {
  let [atOnce, most, sum] = [0, 0, 0];
  await inParallel(numbers(20), 4, async (number) => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise(setImmediate);
    sum += number;
    atOnce -= 1;
  });
  expect({ most, sum }).toEqual({ most: 4, sum: 210 });
});

test("after a failure nothing new is begun, and it is the failure that is told", async () => {
  const taken: number[] = [];
  const work = (number: number) => (number === 3 ? Promise.reject(new Error("third")) : Promise.resolve());
  await expect(inParallel(numbers(1000, taken), 2, work)).rejects.toThrow("third");
  expect(taken.length).toBeLessThan(10);
});

test("items that cannot be listed to their end are a failure", async () => {
  // eslint-disable-next-line require-yield -- it fails before its first item
  async function* broken(): AsyncGenerator<number> {
    await Promise.reject(new Error("no listing"));
  }
  await expect(inParallel(broken(), 2, () => Promise.resolve())).rejects.toThrow("no listing");
});
