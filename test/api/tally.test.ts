import { expect, it } from "vitest";
import { OPERATIONS } from "../../api/openapi/operations.ts";
import { createTally } from "../support/api-tally.ts";

const json = (body: unknown, status: number, type = "application/json") =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": type } });
const problem = (status: number) =>
  json(
    { type: "urn:a", title: "a", status, code: "A", detail: "a", instance: "/" },
    status,
    "application/problem+json",
  );

it("counts an operation's answers", async () => {
  const tally = createTally();
  await tally.note("GET", "/health", json({ status: "UP" }, 200));
  await tally.note("GET", "/api/v1/tenants/1", problem(404));
  expect(tally.summary().find((line) => line.startsWith("getHealth"))).toMatch(/1 +1 +0 +0$/);
  expect(tally.summary().find((line) => line.startsWith("getTenant "))).toMatch(/1 +0 +1 +0$/);
  expect(tally.summary().at(-1)).toBe(
    `2 cases, ${OPERATIONS.length} operations, 1 with success answers; server errors 0, undocumented answers 0`,
  );
  expect(tally.isGood()).toBe(false);
});

it.each([
  ["a server error", problem(500), "server error: GET /api/v1/tenants/1 answered 500"],
  ["a status that is not documented", problem(418), "undocumented: GET /api/v1/tenants/1 answered 418"],
  ["a body that does not fit", json({ id: 1 }, 200), "undocumented: GET /api/v1/tenants/1 answered 200"],
])("finds %s", async (_what, response, found) => {
  const tally = createTally();
  await tally.note("GET", "/api/v1/tenants/1", response);
  expect(tally.isGood()).toBe(false);
  expect(tally.summary().filter((line) => line.startsWith(found))).toHaveLength(1);
});
