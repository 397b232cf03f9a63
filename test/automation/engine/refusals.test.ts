import { describe, expect, test } from "vitest";
import { failureOf } from "../../../automation/engine/failure.ts";
import { isLasting } from "../../../automation/engine/refusals.ts";
import { ERRORS } from "../../../automation/errors.ts";

const ours = (status: number, code: string): string =>
  `azure-native:dns:RecordSet api: PUT /subscriptions/s/x: status ${status}, ${code}: some words`;
const autorest = (status: number, code: string): string =>
  `autorest/azure: Service returned an error. Status=${status} Code="${code}" Message="some words"`;
const azcore = (status: number, code: string): string =>
  `PUT https://management.azure.com/x\n---\nRESPONSE ${status}: ${status} Words\nERROR CODE: ${code}\n---`;

const LASTING = [
  [400, "InvalidParameter"],
  [400, "SomethingNew"],
  [403, "RequestDisallowedByPolicy"],
  [409, "SkuNotAvailable"],
  [409, "MissingSubscriptionRegistration"],
  [401, "InvalidAuthenticationTokenTenant"],
] as const;
const PASSING = [
  [429, "TooManyRequests"],
  [503, "ServerBusy"],
  [409, "AnotherOperationInProgress"],
  [400, "PrincipalNotFound"],
  [403, "AuthorizationFailed"],
  [404, "ResourceNotFound"],
  [409, "SomethingNew"],
  [500, "SomethingNew"],
  [504, "GatewayTimeout"],
] as const;

describe.each([
  ["this project's plugin", ours],
  ["the official plugin, older", autorest],
  ["the official plugin, newer", azcore],
])("as told by %s", (_who, told) => {
  test.each(LASTING)("%i %s lasts", (status, code) => {
    expect(isLasting(told(status, code))).toBe(true);
  });
  test.each(PASSING)("%i %s passes", (status, code) => {
    expect(isLasting(told(status, code))).toBe(false);
  });
});

test.each([
  ["QuotaExceeded", true],
  ["ServerBusy", false],
  ["SomethingNew", false],
])("an operation that ended with %s lasts: %s", (code, lasting) => {
  expect(isLasting(`the operation ended as Failed: ${code}: some words`)).toBe(lasting);
});

test("what is no refusal of a resource passes", () => {
  expect(isLasting("connection reset by peer")).toBe(false);
  expect(isLasting("update failed")).toBe(false);
});

const reported = (...messages: string[]) =>
  failureOf(
    new Error("failed"),
    messages.map((message, index) => ({
      sequence: index,
      timestamp: 0,
      diagnosticEvent: {
        severity: "error" as const,
        message,
        color: "never",
        urn: "urn:pulumi:acme::tierlift::azure-native:dns:RecordSet::api",
      },
    })),
    false,
  );

test("a lasting refusal is not tried again, one that passes is, and one that lasts decides", () => {
  const passing = reported("PUT /x: status 503, ServerBusy: words");
  const lasting = reported(
    "PUT /x: status 503, ServerBusy: words",
    "PUT /y: status 400, InvalidParameter: words",
  );
  expect([passing.code, ERRORS[passing.code].retryable]).toEqual(["RESOURCE_FAILED", true]);
  expect([lasting.code, ERRORS[lasting.code].retryable]).toEqual(["RESOURCE_REFUSED", false]);
  expect(lasting.message).toContain("InvalidParameter");
});
