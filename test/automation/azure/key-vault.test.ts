import { describe, expect, it } from "vitest";
import { parseReference } from "../../../automation/azure/key-vault.ts";

const PLATFORM = "https://platform.vault.azure.net/";

describe("a Key Vault reference", () => {
  it("is a name in the platform's vault", () => {
    expect(parseReference("keyvault-secret-ref", PLATFORM)).toEqual({
      vaultUrl: "https://platform.vault.azure.net",
      name: "keyvault-secret-ref",
    });
  });

  it("is an address with or without a version", () => {
    expect(parseReference("https://acme.vault.azure.net/secrets/sp", PLATFORM)).toEqual({
      vaultUrl: "https://acme.vault.azure.net",
      name: "sp",
    });
    expect(parseReference("https://127.0.0.1:9000/vaults/kv/secrets/sp/0a1b", PLATFORM)).toEqual({
      vaultUrl: "https://127.0.0.1:9000/vaults/kv",
      name: "sp",
      version: "0a1b",
    });
  });

  it.each([
    "http://acme.vault.azure.net/secrets/sp",
    "a secret with spaces",
    "",
    "https://acme.vault.azure.net/keys/k",
  ])("is refused as %j with what it should be", (reference) => {
    expect(() => parseReference(reference, PLATFORM)).toThrow(/neither a secret's name nor https/);
  });
});
