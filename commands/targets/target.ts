/** What differs between the local cloud and Azure, as the composition root wants it. */
import type { TokenCredential } from "@azure/identity";
import type { Cloud } from "../../automation/azure/cloud.ts";
import type { Ports } from "../../automation/ports.ts";
import type { ProgramSettings } from "../../stacks/spec.ts";

export interface Target {
  /** How the programs reach the platform's subscription. */
  program: Pick<
    ProgramSettings,
    "metadataHost" | "platform" | "platformClientSecret" | "certificateIssuer" | "absentStores"
  >;
  /** Plugins of this project's own; those that are not here are the official ones. */
  plugins: { name: string; path: string }[];
  /** Those of them that one process can serve to many engines, by name. */
  hostedPlugins: string[];
  /** Beside PATH and HOME: the whole environment of engines, plugins and data commands. */
  environment: Record<string, string>;
  cloud: Cloud;
  /** Reads the platform's Key Vault. */
  credential: TokenCredential;
  platformVaultUrl: string;
  /** The zone's own servers as `host:port`; null asks the machine's resolver. */
  dnsServers: string[] | null;
  /** From which passwords are derived; kept where only the service reads it. */
  passwordSeed(): Promise<string>;
  issueCertificate: Ports["issueCertificate"];
}

export const PLUGIN_NAMES = ["azure-native", "kubernetes", "command"] as const;
export type PluginName = (typeof PLUGIN_NAMES)[number];
