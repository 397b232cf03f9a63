/** Who reaches the stores of a move: the platform's principal the shared one, the tenant's its own. */
import type { ProgramSettings } from "../stacks/spec.ts";
import type { BlobsInput, KafkaInput, Ports } from "./ports.ts";
import type { CredentialsReference } from "./model.ts";

export interface StoreLoginOptions {
  program: Pick<ProgramSettings, "metadataHost" | "platform" | "platformClientSecret">;
  resolveSecret: Ports["resolveSecret"];
}

/** Turns references into logins; what it answers holds secrets and goes to a command's standard input only. */
export type SignIn = (stores: Stores, signal: AbortSignal) => Promise<Record<string, unknown>>;

export interface Stores {
  blobs?: BlobsInput;
  kafka?: KafkaInput;
}

export function createStoreLogins({ program, resolveSecret }: StoreLoginOptions): SignIn {
  const { metadataHost, platform, platformClientSecret: clientSecret } = program;
  const { azureTenantId, clientId } = platform;
  // Without a secret of its own the command signs in with the machine's identity, as the service does.
  const login = clientSecret === undefined ? undefined : { azureTenantId, clientId, clientSecret };
  const admit = async (
    { source, target, ...rest }: BlobsInput | KafkaInput,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> => ({
    ...rest,
    metadataHost,
    source: { ...source, login },
    target: target && (await signIn(target, signal)),
  });
  return async ({ blobs, kafka }, signal) => ({
    ...(blobs && { blobs: await admit(blobs, signal) }),
    ...(kafka && { kafka: await admit(kafka, signal) }),
  });

  async function signIn(
    { credentials, ...store }: { credentials: CredentialsReference },
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const { clientId, clientSecretRef, azureTenantId, directoryId = azureTenantId } = credentials;
    const clientSecret = await resolveSecret(clientSecretRef, signal);
    return { ...store, login: { azureTenantId: directoryId, clientId, clientSecret } };
  }
}
