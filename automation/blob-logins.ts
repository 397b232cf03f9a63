/** Who reaches the containers of a move: the platform's principal the shared one, the tenant's its own. */
import type { ProgramSettings } from "../stacks/spec.ts";
import type { BlobsInput, Ports } from "./ports.ts";

export interface BlobLoginOptions {
  program: Pick<ProgramSettings, "metadataHost" | "platform" | "platformClientSecret">;
  resolveSecret: Ports["resolveSecret"];
}

/** Makes what turns references into logins; the result holds secrets and goes to a command's standard input only. */
export function createBlobLogins({ program, resolveSecret }: BlobLoginOptions) {
  const { metadataHost, platform, platformClientSecret: clientSecret } = program;
  const { azureTenantId, clientId } = platform;
  // Without a secret of its own the command signs in with the machine's identity, as the service does.
  const login = clientSecret === undefined ? undefined : { azureTenantId, clientId, clientSecret };
  return async (
    { source, target, asOf }: BlobsInput,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> => ({
    metadataHost,
    asOf,
    source: { ...source, login },
    target: target && (await signIn(target, signal)),
  });

  async function signIn(
    { credentials, ...container }: NonNullable<BlobsInput["target"]>,
    signal: AbortSignal,
  ) {
    const { clientId, clientSecretRef, azureTenantId, directoryId = azureTenantId } = credentials;
    const clientSecret = await resolveSecret(clientSecretRef, signal);
    return { ...container, login: { azureTenantId: directoryId, clientId, clientSecret } };
  }
}
