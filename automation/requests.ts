/** Program runs as the engine takes them: a footprint with the secrets it needs, which are looked up and never kept. */
import type { CredentialsReference } from "./model.ts";
import type { Ports } from "./ports.ts";
import type { TierliftSettings } from "./settings.ts";
import type { ProgramRequest, ProgramSecrets, TenantSpec } from "../stacks/spec.ts";

export const PLATFORM_STACK = "platform";

/** The hosts of a tenant that a certificate is for. */
export function hostsOf(slug: string, zoneName: string): string[] {
  const zone = `${slug}.${zoneName}`;
  return [zone, `*.${zone}`, `next.${zone}`, `*.next.${zone}`];
}

export function platformRequest({
  program,
  passwordSeed,
  zoneName,
  platformRegion,
}: TierliftSettings): ProgramRequest {
  return {
    spec: { kind: "platform", zoneName, region: platformRegion },
    secrets: { passwordSeed },
    settings: program,
  };
}

/** `credentials` are those of the dedicated footprint, when the spec has one. */
export async function tenantRequest(
  spec: TenantSpec,
  credentials: CredentialsReference | undefined,
  { ports, settings, signal }: { ports: Ports; settings: TierliftSettings; signal: AbortSignal },
): Promise<ProgramRequest> {
  const secrets: ProgramSecrets = { passwordSeed: settings.passwordSeed };
  const tls = await ports.issueCertificate(hostsOf(spec.tenant.slug, settings.zoneName));
  if (tls !== undefined) secrets.tls = tls;
  if (spec.dedicated !== null && credentials !== undefined) {
    secrets.clientSecret = await ports.resolveSecret(credentials.clientSecretRef, signal);
  }
  return { spec, secrets, settings: settings.program };
}
