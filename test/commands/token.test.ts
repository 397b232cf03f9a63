import path from "node:path";
import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { mintToken } from "../../commands/mint-token.ts";
import { startProcess, temporaryFolder } from "./processes.ts";

const TOKEN = path.join(import.meta.dirname, "..", "..", "commands", "token.ts");
const NOW = new Date("2026-02-12T10:00:00Z");
const request = { secret: "s".repeat(32), subject: "ann", roles: ["ADMIN"], lifetimeMs: 60_000, now: NOW };

test("a token carries the claims the API reads", async () => {
  const token = await mintToken({ ...request, tenantId: "t-1", issuer: "me", audience: "you" });
  expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256", typ: "JWT" });
  const issuedAt = NOW.getTime() / 1000;
  expect(decodeJwt(token)).toEqual({
    sub: "ann",
    iss: "me",
    aud: "you",
    iat: issuedAt,
    exp: issuedAt + 60,
    jti: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    tenant_id: "t-1",
    roles: ["ADMIN"],
  });
});

test("a token of a subject without a tenant has no tenant_id", async () => {
  expect(decodeJwt(await mintToken(request))).not.toHaveProperty("tenant_id");
});

function runToken(args: string[], env: Record<string, string> = {}) {
  return startProcess(TOKEN, { args, env: { TIERLIFT_HOME: temporaryFolder(), ...env } });
}

test("the command prints the token alone, signed with JWT_SECRET", async () => {
  const secret = "a secret of the client's own";
  const run = runToken(["--role", "PLATFORM_ADMIN", "--role", "ADMIN", "--tenant", "t-1", "--hours", "1"], {
    JWT_SECRET: secret,
  });
  expect(await run.ended).toBe(0);
  const { stdout, stderr } = run.output();
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(stderr).toBe("");
  const { payload } = await jwtVerify(stdout.trim(), new TextEncoder().encode(secret));
  expect(payload).toMatchObject({ sub: "operator", roles: ["PLATFORM_ADMIN", "ADMIN"], tenant_id: "t-1" });
  expect(payload.exp! - payload.iat!).toBe(3600);
});

test.each([
  [[], {}, "usage: npm run -s token"],
  [["--role", "ADMIN", "--hours", "0"], {}, "--hours 0: more than 0"],
  [["--rolle", "ADMIN"], {}, "--rolle"],
  [["--role", "ADMIN"], { JWKS_URL: "https://id.example/keys" }, "JWKS_URL is set"],
  [["--role", "ADMIN"], { PORT: "x" }, 'PORT is "x"'],
])(
  "arguments %j with %j end with code 2 and a sentence, without a stack trace",
  async (args, env, sentence) => {
    const run = runToken(args, env);
    expect(await run.ended).toBe(2);
    expect(run.output().stderr).toContain(sentence);
    expect(run.output().stderr).not.toMatch(/^\s+at /m);
    expect(run.output().stdout).toBe("");
  },
);
