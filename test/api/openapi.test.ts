import { Validator } from "@seriousme/openapi-schema-validator";
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { createApp } from "../../api/app.ts";
import { createDocument } from "../../api/openapi/document.ts";
import type { OpenApiDocument } from "../../api/openapi/document.ts";
import { createApi } from "../support/api.ts";
import { createContract } from "../support/api-contract.ts";
import { createWorld } from "../support/fake-world.ts";
import { pino } from "pino";

const documented = (): string[] =>
  Object.entries(createDocument().paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

it("is served without a token and is valid OpenAPI 3.1", async () => {
  const response = await createApi().get("/openapi.json", undefined);
  expect(response.status).toBe(200);
  const document = (await response.json()) as OpenApiDocument;
  expect(document.openapi).toBe("3.1.0");
  expect(await new Validator().validate({ ...document })).toMatchObject({ valid: true });
});

it("tells of every route, and of no other", () => {
  const app = createApp({
    tierlift: createWorld().tierlift,
    authenticate: () => Promise.reject(new Error("nobody asks")),
    logger: pino({ enabled: false }),
  });
  const routes = app.routes
    // What stands before other routes.
    .filter(({ method, path }) => method !== "ALL" && !path.endsWith("*"))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  expect([...new Set(routes)].sort()).toEqual(documented().sort());
});

it("gives every operation an id of its own", () => {
  const ids = Object.values(createDocument().paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

it("states the limits that requests are checked against", () => {
  const { post } = createDocument().paths["/api/v1/tenants"] ?? {};
  expect(post?.requestBody?.content["application/json"]?.schema).toMatchObject({
    required: ["name", "slug", "adminEmail"],
    properties: { name: { pattern: "\\S" }, slug: { pattern: "^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$" } },
  });
});

it("is held against every answer of these tests", async () => {
  const contract = createContract(createDocument());
  const answer = (status: number, body: object, type = "application/json") =>
    contract.check(
      "GET",
      "/health",
      new Response(JSON.stringify(body), { status, headers: { "Content-Type": type } }),
    );
  await expect(answer(200, { status: "UP" })).resolves.toBeUndefined();
  await expect(answer(200, { status: "DOWN" })).rejects.toThrow("does not fit");
  await expect(answer(200, { status: "UP", secret: "x" })).rejects.toThrow("additional properties");
  await expect(answer(200, { status: "UP" }, "text/plain")).rejects.toThrow("as text/plain");
  await expect(answer(418, {})).rejects.toThrow("does not tell of");
});

it("can be browsed on a page that loads nothing and runs nothing", async () => {
  const response = await createApi().get("/docs", undefined);
  const page = await response.text();
  for (const path of Object.keys(createDocument().paths)) expect(page).toContain(`<code>${path}</code>`);
  expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/);
  const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  expect(response.headers.get("Content-Security-Policy")).toContain(`'sha256-${hash}'`);
});

it("describes each event of a stream", () => {
  const { paths, components } = createDocument();
  const stream = paths["/api/v1/tenants/{tenantId}/provisioning/status/stream"]?.["get"];
  expect(stream?.responses["200"]?.content).toEqual({
    "text/event-stream": { schema: { $ref: "#/components/schemas/StreamedEvent" } },
  });
  expect(components.schemas["StreamedEvent"]).toMatchObject({
    required: ["event", "data", "id"],
    properties: { data: { contentSchema: { $ref: "#/components/schemas/TierliftEvent" } } },
  });
});
