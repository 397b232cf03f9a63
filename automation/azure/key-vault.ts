/** Key Vault references: what tenants submit instead of secrets. */
import type { TokenCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { tierliftError } from "../errors.ts";

const TIMEOUT_MS = 20_000;

export interface SecretResolver {
  /**
   * The present value of a referenced secret. A reference is a secret's name in the platform's vault, or an address
   * `https://<vault>/secrets/<name>[/<version>]`. Rejects with SECRET_NOT_RESOLVED.
   */
  (reference: string, signal?: AbortSignal): Promise<string>;
}

export interface KeyVaultOptions {
  platformVaultUrl: string;
  credential: TokenCredential;
  /** Only public Azure's vaults have names below the resource their tokens are for. */
  verifyChallenge: boolean;
}

export function createSecretResolver({
  platformVaultUrl,
  credential,
  verifyChallenge,
}: KeyVaultOptions): SecretResolver {
  const clients = new Map<string, SecretClient>();
  const clientOf = (vaultUrl: string): SecretClient => {
    const known = clients.get(vaultUrl);
    if (known) return known;
    const client = new SecretClient(vaultUrl, credential, {
      disableChallengeResourceVerification: !verifyChallenge,
    });
    clients.set(vaultUrl, client);
    return client;
  };

  return async (reference, signal) => {
    const { vaultUrl, name, version } = parseReference(reference, platformVaultUrl);
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const { value } = await clientOf(vaultUrl).getSecret(name, {
        abortSignal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        ...(version === undefined ? {} : { version }),
      });
      if (value) return value;
    } catch (error) {
      throw tierliftError("SECRET_NOT_RESOLVED", { reference, problem: reasonOf(error) }, { cause: error });
    }
    throw tierliftError("SECRET_NOT_RESOLVED", { reference, problem: "it has no value" });
  };
}

/** Splits a reference; a bare name belongs to the platform's vault. Pure. */
export function parseReference(
  reference: string,
  platformVaultUrl: string,
): { vaultUrl: string; name: string; version?: string } {
  const match = /^(https:\/\/.+?)\/secrets\/([0-9A-Za-z-]{1,127})(?:\/([0-9a-f]+))?\/?$/.exec(reference);
  if (match) {
    const [, vaultUrl = "", name = "", version] = match;
    return { vaultUrl, name, ...(version === undefined ? {} : { version }) };
  }
  if (/^[0-9A-Za-z-]{1,127}$/.test(reference))
    return { vaultUrl: platformVaultUrl.replace(/\/+$/, ""), name: reference };
  const problem = "it is neither a secret's name nor https://<vault>/secrets/<name>";
  throw tierliftError("SECRET_NOT_RESOLVED", { reference, problem });
}

function reasonOf(error: unknown): string {
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (statusCode === 404) return "there is no such secret";
  if (statusCode === 403) return "the service may not read it";
  return code ?? (error instanceof Error ? error.message : "unknown");
}
