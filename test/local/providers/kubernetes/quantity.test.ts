import { describe, expect, it } from "vitest";
import { canonicalQuantity } from "../../../../local/providers/kubernetes/quantity.ts";

describe("a resource quantity", () => {
  it.each([
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["0.5", "500m"],
    ["1.0", "1"],
    [2, "2"],
    [0.1, "100m"],
    ["1000", "1k"],
    ["1024Mi", "1Gi"],
    ["1536Mi", "1536Mi"],
    ["1.5Gi", "1536Mi"],
    ["1000Ki", "1000Ki"],
    ["0", "0"],
    ["0Mi", "0"],
    ["-1000m", "-1"],
    ["10M", "10M"],
    ["auto", "auto"],
  ])("%s is kept as %s", (written, kept) => {
    expect(canonicalQuantity(written)).toBe(kept);
  });
});
