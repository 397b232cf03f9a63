import type { Settings } from "./config.ts";
import type { Send } from "./http.ts";

/** Where a cloud's parts answer, and what tokens for it are meant for. */
export interface Cloud {
  /** Without a slash at the end. */
  resourceManager: string;
  loginEndpoint: string;
  /** What a token for the resource manager is asked for. */
  audience: string;
  /** What a token for the data plane of a vault is asked for. */
  vaultAudience: string;
}

const metadataVersion = "2022-09-01";
const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** Named clouds, as the official plugin knows them without metadata. */
const clouds: Record<string, Cloud> = {
  public: {
    resourceManager: "https://management.azure.com",
    loginEndpoint: "https://login.microsoftonline.com",
    audience: "https://management.azure.com",
    vaultAudience: "https://vault.azure.net",
  },
  usgovernment: {
    resourceManager: "https://management.usgovcloudapi.net",
    loginEndpoint: "https://login.microsoftonline.us",
    audience: "https://management.usgovcloudapi.net",
    vaultAudience: "https://vault.usgovcloudapi.net",
  },
  china: {
    resourceManager: "https://management.chinacloudapi.cn",
    loginEndpoint: "https://login.chinacloudapi.cn",
    audience: "https://management.chinacloudapi.cn",
    vaultAudience: "https://vault.azure.cn",
  },
};

interface Metadata {
  name?: string;
  resourceManager?: string;
  authentication?: { loginEndpoint?: string; audiences?: string[] };
  suffixes?: { keyVaultDns?: string };
}

function parseMetadata(text: string, host: string, environment: string): Cloud {
  const parsed = JSON.parse(text) as Metadata | Metadata[];
  const entry = Array.isArray(parsed)
    ? (parsed.find((e) => e.name?.toLowerCase() === environment.toLowerCase()) ?? parsed[0])
    : parsed;
  const { resourceManager, authentication, suffixes } = entry ?? {};
  const loginEndpoint = authentication?.loginEndpoint;
  if (!resourceManager || !loginEndpoint)
    throw new Error(`the metadata of ${host} name no resource manager or login endpoint`);
  return {
    resourceManager: withoutSlash(resourceManager),
    loginEndpoint: withoutSlash(loginEndpoint),
    audience: withoutSlash(authentication.audiences?.[0] ?? resourceManager),
    vaultAudience: `https://${suffixes?.keyVaultDns ?? "vault.azure.net"}`,
  };
}

/** The cloud of an instance: what `metadataHost` answers, else the one that `environment` names. */
export async function discoverCloud(settings: Settings, send: Send, signal: AbortSignal): Promise<Cloud> {
  const { metadataHost, environment } = settings;
  if (!metadataHost) {
    const cloud = clouds[environment.toLowerCase()];
    if (!cloud) throw new Error(`environment "${environment}" is not known: set metadataHost`);
    return cloud;
  }
  const origin = withoutSlash(metadataHost.includes("://") ? metadataHost : `https://${metadataHost}`);
  const url = `${origin}/metadata/endpoints?api-version=${metadataVersion}`;
  const answer = await send({ method: "GET", url, signal }).catch((error: unknown) => {
    throw new Error(`${url} does not answer: ${String(error)}`, { cause: error });
  });
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  return parseMetadata(answer.text, metadataHost, environment);
}
