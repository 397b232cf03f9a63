import { expect, it } from "vitest";
import { medianOf, peakOf, rounded } from "../../bench/statistics.ts";

it.each([
  [[5], 5],
  [[9, 1, 5], 5],
  [[10, 2, 4, 8], 6],
])("finds the middle of %j", (samples, median) => {
  expect(medianOf(samples)).toBe(median);
});

it("finds the largest", () => {
  expect(peakOf([3, 7, 5])).toBe(7);
});

it("knows neither middle nor largest of nothing", () => {
  expect(() => medianOf([])).toThrow("of nothing");
  expect(() => peakOf([])).toThrow("of nothing");
});

it("leaves samples as they are", () => {
  const samples = [3, 1, 2];
  medianOf(samples);
  expect(samples).toEqual([3, 1, 2]);
});

it("rounds to decimals", () => {
  expect(rounded(1.23456, 3)).toBe(1.235);
});
