import { describe, expect, it } from "vitest";
import { createReport, describeMeasure, isMet, judged } from "../../bench/report.ts";
import type { Finding } from "../../bench/report.ts";

const FINDING: Finding = {
  name: "preview",
  what: "one against the other",
  value: 1.2004,
  unit: "ratio",
  goal: { atMost: 1.1 },
  figures: { restS: 12, rawS: 10 },
  onMiss: "Less work.",
};

describe("a measure", () => {
  it.each([
    [1.1, { atMost: 1.1 }, true],
    [1.11, { atMost: 1.1 }, false],
    [0.6, { atLeast: 0.6 }, true],
    [0.59, { atLeast: 0.6 }, false],
  ])("of %s meets %o: %s", (value, goal, met) => {
    expect(isMet(value, goal)).toBe(met);
  });

  it("that is missed says by how much and what is needed", () => {
    expect(judged(FINDING)).toEqual({
      name: "preview",
      what: "one against the other",
      value: 1.2,
      unit: "ratio",
      goal: { atMost: 1.1 },
      figures: { restS: 12, rawS: 10 },
      met: false,
      needed: "1.2 instead of at most 1.1: a factor of 1.09 is missing. Less work.",
    });
  });

  it("that is met needs nothing", () => {
    const measure = judged({ ...FINDING, value: 1 });
    expect(measure).toMatchObject({ met: true });
    expect(measure).not.toHaveProperty("needed");
  });

  it("is judged by the value that is shown", () => {
    expect(judged({ ...FINDING, value: 1.10004 })).toMatchObject({ value: 1.1, met: true });
  });

  it("without a goal is neither met nor missed", () => {
    expect(judged({ ...FINDING, goal: null })).toMatchObject({ met: null });
  });
});

describe("a report", () => {
  it("names what was missed", () => {
    const measures = [
      judged(FINDING),
      judged({ ...FINDING, name: "upgrade", value: 1 }),
      { name: "setupCold", notMeasured: "takes long" },
    ];
    const report = createReport(new Date("2026-01-01T00:00:00Z"), { processors: 2 }, measures);
    expect(report).toEqual({
      at: "2026-01-01T00:00:00.000Z",
      machine: { processors: 2 },
      measures,
      missed: ["preview"],
    });
  });
});

it.each([
  [judged(FINDING), "preview: 1.2, goal ≤ 1.1: MISSED"],
  [judged({ ...FINDING, unit: "MB", value: 250, goal: { atMost: 300 } }), "preview: 250 MB, goal ≤ 300: met"],
  [judged({ ...FINDING, unit: "s", value: 3, goal: null }), "preview: 3 s"],
  [{ name: "setupCold", notMeasured: "takes long" }, "setupCold: not measured: takes long"],
])("is told in a line: %#", (measure, line) => {
  expect(describeMeasure(measure)).toBe(line);
});
