import { expect, it } from "vitest";
import { createAuthenticator } from "../../api/auth.ts";
import { createKnownTokens } from "../../api/known-tokens.ts";
import { mintToken } from "../../commands/mint-token.ts";

const ACTOR = { subject: "someone", roles: ["ADMIN"] };
const SECRET = "a secret of at least thirty-two bytes";

it("knows a token for a minute", () => {
  let now = 0;
  const known = createKnownTokens(() => now);
  known.keep("token", ACTOR, Infinity);
  now = 59_999;
  expect(known.find("token")).toEqual(ACTOR);
  expect(known.find("another")).toBeUndefined();
  now = 60_000;
  expect(known.find("token")).toBeUndefined();
});

it("knows no token beyond its own end", () => {
  let now = 0;
  const known = createKnownTokens(() => now);
  known.keep("token", ACTOR, 1_000);
  now = 1_000;
  expect(known.find("token")).toBeUndefined();
});

it("forgets the token that was checked longest ago when it knows too many", () => {
  const known = createKnownTokens(() => 0);
  for (let number = 0; number <= 10_000; number += 1) known.keep(`token ${number}`, ACTOR, Infinity);
  expect(known.find("token 0")).toBeUndefined();
  expect(known.find("token 1")).toEqual(ACTOR);
});

it("lets a token that was accepted expire all the same", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const authenticate = createAuthenticator({ key: { secret: SECRET } }, () => now);
  const request = { secret: SECRET, subject: "someone", roles: [], lifetimeMs: 30_000, now: new Date(now) };
  const token = await mintToken(request);
  await expect(authenticate(token)).resolves.toMatchObject({ subject: "someone" });
  now += 61_000;
  await expect(authenticate(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

it("does not know a token that was refused", async () => {
  const authenticate = createAuthenticator({ key: { secret: SECRET } });
  const token = await mintToken({
    secret: `another ${SECRET}`,
    subject: "someone",
    roles: [],
    lifetimeMs: 30_000,
  });
  for (let time = 0; time < 2; time += 1)
    await expect(authenticate(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});
