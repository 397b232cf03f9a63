/** The kubeconfig that Azure answers, made usable without a person at the keyboard. */
import { parse, stringify } from "yaml";

export interface ServicePrincipal {
  clientId: string;
  clientSecret: string;
  azureTenantId: string;
}

interface ExecEntry {
  command: string;
  args?: string[];
  env?: { name: string; value: string }[] | null;
}
interface Kubeconfig {
  users?: { name: string; user: { exec?: ExecEntry } }[];
}

/**
 * A kubeconfig with certificates stays as it is, byte for byte. One that asks `kubelogin` for a token (local accounts
 * are off) asks it to log in as the service principal, whose secret goes by environment and never by argument;
 * without a principal it takes the login of Azure's command line.
 * https://azure.github.io/kubelogin/concepts/login-modes/sp.html
 */
export function planKubeconfig(text: string, principal: ServicePrincipal | undefined): string {
  const config = parse(text) as Kubeconfig;
  const logins = (config.users ?? []).flatMap(({ user }) =>
    user.exec && /(^|\/)kubelogin(\.exe)?$/.test(user.exec.command) ? [user.exec] : [],
  );
  if (logins.length === 0) return text;
  for (const login of logins) {
    const args = withoutOptions(login.args ?? []);
    if (!principal) {
      login.args = [...args, "--login", "azurecli"];
      continue;
    }
    login.args = [...args, "--login", "spn", "--tenant-id", principal.azureTenantId];
    login.env = [
      ...(login.env ?? []).filter(({ name }) => !name.startsWith("AAD_SERVICE_PRINCIPAL_CLIENT_")),
      { name: "AAD_SERVICE_PRINCIPAL_CLIENT_ID", value: principal.clientId },
      { name: "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET", value: principal.clientSecret },
    ];
  }
  return stringify(config);
}

const REPLACED_OPTIONS = new Set(["--login", "-l", "--tenant-id", "-t", "--client-id"]);

function withoutOptions(args: string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index]!;
    if (REPLACED_OPTIONS.has(arg)) index += 1;
    else if (!REPLACED_OPTIONS.has(arg.split("=")[0]!)) kept.push(arg);
  }
  return kept;
}
