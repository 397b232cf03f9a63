/**
 * `npm run -s token -- --role PLATFORM_ADMIN [--role ROLE] [--tenant ID] [--subject S] [--hours H]`: prints a bearer
 * token that this installation's API takes.
 */
import path from "node:path";
import { CommandError, parseOptions, runCommandLine } from "./command-line.ts";
import { ensureHome, ensureJwtSecret } from "./home.ts";
import { mintToken } from "./mint-token.ts";
import { parseSettings } from "./settings.ts";

const USAGE =
  "usage: npm run -s token -- --role PLATFORM_ADMIN|ADMIN|TENANT_ADMIN [--tenant ID] [--subject S] [--hours H]";

await runCommandLine(async ({ args }) => {
  const { roles, tenantId, subject, hours } = parseArguments(args);
  const { home, tokens } = parseSettings(process.env, path.resolve(import.meta.dirname, ".."));
  if (tokens.key.from === "jwks")
    throw new CommandError(
      "JWKS_URL is set: tokens come from whoever publishes those keys, not from here.",
      2,
    );
  const secret =
    tokens.key.from === "secret" ? tokens.key.secret : await ensureJwtSecret(await ensureHome(home));
  const { issuer, audience } = tokens;
  const token = await mintToken({
    secret,
    subject,
    roles,
    lifetimeMs: hours * 3_600_000,
    ...(tenantId && { tenantId }),
    ...(issuer && { issuer }),
    ...(audience && { audience }),
  });
  process.stdout.write(`${token}\n`);
});

function parseArguments(args: string[]) {
  const { role, tenant, subject, hours } = parseOptions(
    args,
    {
      role: { type: "string", multiple: true },
      tenant: { type: "string" },
      subject: { type: "string", default: "operator" },
      hours: { type: "string", default: "8" },
    },
    USAGE,
  );
  if (!role?.length) throw new CommandError(USAGE, 2);
  if (!(Number(hours) > 0 && Number(hours) <= 24 * 365))
    throw new CommandError(`--hours ${hours}: more than 0, at most 8760.`, 2);
  return { roles: role, tenantId: tenant, subject, hours: Number(hours) };
}
