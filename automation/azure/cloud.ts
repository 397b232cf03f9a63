/** Where a cloud answers: public Azure, or whatever a metadata host describes. */
import { z } from "zod";

const TIMEOUT_MS = 15_000;
const API_VERSION = "2022-09-01";

export interface Cloud {
  /** Without a slash at the end. */
  resourceManager: string;
  /** What tokens for the resource manager are asked for, with `/.default`. */
  scope: string;
  authorityHost: string;
  /** False for clouds that the directory's own discovery does not know. */
  instanceDiscovery: boolean;
}

export const PUBLIC_CLOUD: Cloud = {
  resourceManager: "https://management.azure.com",
  scope: "https://management.azure.com/.default",
  authorityHost: "https://login.microsoftonline.com",
  instanceDiscovery: true,
};

const metadata = z.object({
  resourceManager: z.url(),
  authentication: z.object({ loginEndpoint: z.url(), audiences: z.array(z.string()).min(1) }),
});

/** Asks `https://<host>/metadata/endpoints`, as azure-native does with `metadataHost`. */
export async function discoverCloud(metadataHost: string | undefined): Promise<Cloud> {
  if (metadataHost === undefined) return PUBLIC_CLOUD;
  const response = await fetch(`https://${metadataHost}/metadata/endpoints?api-version=${API_VERSION}`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok)
    throw new Error(`${metadataHost} answered ${response.status} to the question for its endpoints`);
  const answer: unknown = await response.json();
  const { resourceManager, authentication } = metadata.parse(Array.isArray(answer) ? answer[0] : answer);
  return {
    resourceManager: trimmed(resourceManager),
    scope: `${trimmed(authentication.audiences[0] ?? resourceManager)}/.default`,
    authorityHost: trimmed(authentication.loginEndpoint),
    instanceDiscovery: false,
  };
}

const trimmed = (url: string) => url.replace(/\/+$/, "");
