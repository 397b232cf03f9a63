import { describe, expect, it } from "vitest";
import { Ledger } from "./ledger.ts";

const row = (id: string, version: number, copies = 1) => ({ id, version, copies });

describe("a ledger of writes", () => {
  it("finds nothing wrong with rows that are as they were confirmed", () => {
    const ledger = new Ledger();
    ledger.wrote("a", 0);
    ledger.wrote("a", 1);
    ledger.wrote("b", 0);
    ledger.deleted("b");
    expect(ledger.differences([row("a", 1)])).toEqual([]);
  });

  it.each([
    ["is missing", [], "a is missing, should be 1"],
    ["is an old one", [row("a", 0)], "a is 0, should be 1"],
    ["is there twice", [row("a", 1, 2)], "a is there 2 times"],
    ["came back", [row("a", 1), row("b", 0)], "b is 0, should be absent"],
    ["is nobody's", [row("a", 1), row("c", 0)], "c was never written"],
  ])("names a row that %s", (_what, found, difference) => {
    const ledger = new Ledger();
    ledger.wrote("a", 1);
    ledger.wrote("b", 0);
    ledger.deleted("b");
    expect(ledger.differences(found)).toEqual([difference]);
  });

  it("takes both outcomes of a change whose answer never came, and no third", () => {
    const ledger = new Ledger();
    ledger.cutOff("a", { version: 0 });
    ledger.wrote("b", 0);
    ledger.cutOff("b", { version: 1 });
    ledger.wrote("c", 0);
    ledger.cutOff("c", "delete");
    expect(ledger.differences([row("b", 0), row("c", 0)])).toEqual([]);
    expect(ledger.differences([row("a", 0), row("b", 1)])).toEqual([]);
    expect(ledger.differences([row("b", 2)])).toEqual(["b is 2, should be 0 or 1"]);
    expect(ledger.changeable()).toEqual([]);
  });
});
