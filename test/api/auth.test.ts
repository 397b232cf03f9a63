import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { canManageTenant, createAuthenticator } from "../../api/auth.ts";

const SECRET = "a secret of at least thirty-two bytes";
const key = new TextEncoder().encode(SECRET);
const authenticate = createAuthenticator({
  key: { secret: SECRET },
  issuer: "tierlift",
  audience: "tierlift-api",
});

const token = (
  claims: Record<string, unknown> = {},
  options: { expires?: string; secret?: Uint8Array } = {},
) =>
  new SignJWT({ roles: ["ADMIN"], ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("ada")
    .setIssuer("tierlift")
    .setAudience("tierlift-api")
    .setExpirationTime(options.expires ?? "1h")
    .sign(options.secret ?? key);

describe("a bearer token", () => {
  it("names its actor", async () => {
    expect(await authenticate(await token({ tenant_id: "t1", roles: ["TENANT_ADMIN", 7] }))).toEqual({
      subject: "ada",
      tenantId: "t1",
      roles: ["TENANT_ADMIN"],
    });
  });

  it("is refused when it has expired, and says so", async () => {
    await expect(authenticate(await token({}, { expires: "-5m" }))).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: expect.stringContaining("expired") as string,
    });
  });

  it("is refused with another key's signature", async () => {
    const other = new TextEncoder().encode("another secret of at least 32 bytes");
    await expect(authenticate(await token({}, { secret: other }))).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
  });

  it("is refused without a signature", async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${part({ alg: "none" })}.${part({ sub: "ada", exp: 4e9, roles: ["PLATFORM_ADMIN"] })}.`;
    await expect(authenticate(unsigned)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("is refused from another issuer or for another audience", async () => {
    const foreign = createAuthenticator({ key: { secret: SECRET }, issuer: "elsewhere" });
    await expect(foreign(await token())).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const other = createAuthenticator({ key: { secret: SECRET }, audience: "elsewhere" });
    await expect(other(await token())).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("canManageTenant", () => {
  it.each([
    ["PLATFORM_ADMIN manages any", ["PLATFORM_ADMIN"], undefined, true],
    ["PLATFORM_ADMIN of another tenant manages any", ["PLATFORM_ADMIN"], "t2", true],
    ["ADMIN without a tenant manages any", ["ADMIN"], undefined, true],
    ["ADMIN of this tenant manages it", ["ADMIN"], "t1", true],
    ["ADMIN of another tenant does not", ["ADMIN"], "t2", false],
    ["TENANT_ADMIN of this tenant manages it", ["TENANT_ADMIN"], "t1", true],
    ["TENANT_ADMIN of another tenant does not", ["TENANT_ADMIN"], "t2", false],
    ["TENANT_ADMIN of no tenant does not", ["TENANT_ADMIN"], undefined, false],
    ["a user of this tenant does not", ["USER"], "t1", false],
  ])("%s", (_name, roles, tenantId, expected) => {
    expect(canManageTenant({ subject: "ada", roles, ...(tenantId ? { tenantId } : {}) }, "t1")).toBe(
      expected,
    );
  });
});
