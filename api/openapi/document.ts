/** The OpenAPI 3.1 document, made of the operations and the schemas that requests are checked against. Pure. */
import { z } from "zod";
import { idempotencyHeaders } from "../schemas.ts";
import { entities, problem } from "./entities.ts";
import { OPERATIONS } from "./operations.ts";
import type { Answer, ApiOperation } from "./operations.ts";

/** A JSON Schema (2020-12), which is what OpenAPI 3.1 takes. */
export type JsonSchema = Record<string, unknown>;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

export interface DocumentedAnswer {
  description: string;
  headers?: Record<string, { description: string; required?: boolean; schema: JsonSchema }>;
  content: Record<string, { schema: JsonSchema }>;
}

export interface DocumentedOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security?: Record<string, string[]>[];
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, DocumentedAnswer>;
}

export interface OpenApiDocument {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, JsonSchema> };
}

const PROBLEMS: Record<number, string> = {
  400: "The request does not fit, or asks for what makes no sense.",
  401: "The token is missing, expired or not valid.",
  403: "The token's roles do not suffice.",
  404: "There is no such thing, or none that this token may see.",
  409: "Not possible in the present state.",
  422: "The idempotency key was used for another request.",
  500: "An error of the service; its log has the whole of it.",
  503: "The service or what it needs is not ready.",
};

const ANSWER_HEADERS = {
  Location: { description: "Where the new resource is.", required: true, schema: { type: "string" } },
  Link: { description: "First, previous, next and last page.", schema: { type: "string" } },
  "X-Total-Count": { description: "How many there are in all.", required: true, schema: { type: "integer" } },
} as const;

/** Of the interface, not of the program behind it. */
const VERSION = "1.0.0";

export function createDocument(): OpenApiDocument {
  const paths: OpenApiDocument["paths"] = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: documented(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Tierlift",
      version: VERSION,
      description:
        "Moves a SaaS tenant from a shared Kubernetes cluster to Azure infrastructure of its own, and back.",
    },
    tags: [
      { name: "Migrations", description: "A tenant's way to a higher tier." },
      { name: "Tenants", description: "Customer organisations." },
      { name: "Provisioning", description: "What is being made for a tenant now." },
      { name: "Service", description: "The service itself; no token needed." },
    ],
    paths,
    components: {
      schemas: entitySchemas(),
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

function documented(operation: ApiOperation): DocumentedOperation {
  const { id, tag, summary, access, body, answers } = operation;
  const responses = Object.entries(answers).map(([status, answer]) => [status, documentedAnswer(answer)]);
  const problems = problemsOf(operation).map((status) => [status, documentedProblem(status)]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: ACCESS[access],
    ...(access === "anyone" ? {} : { security: [{ bearer: [] }] }),
    parameters: parametersOf(operation),
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: Object.fromEntries([...responses, ...problems]) as Record<string, DocumentedAnswer>,
  };
}

const ACCESS = {
  anyone: "Needs no token.",
  manager: "For PLATFORM_ADMIN, ADMIN, and the tenant's own ADMIN or TENANT_ADMIN.",
  "platform administrator": "For PLATFORM_ADMIN.",
} as const satisfies Record<ApiOperation["access"], string>;

function problemsOf({ method, access, problems = [] }: ApiOperation): number[] {
  const general = access === "anyone" ? [] : [401, 403, 500, 503];
  const ofKeys = method === "post" ? [400, 409, 422] : [];
  return [...problems, ...general, ...ofKeys];
}

/** Media types that are described by more than being text. */
const STRUCTURED: readonly string[] = ["application/json", "text/event-stream"];

function documentedAnswer({
  description,
  schema,
  types = ["application/json"],
  headers = [],
}: Answer): DocumentedAnswer {
  const content = types.map((type) => {
    const fits = schema !== undefined && STRUCTURED.includes(type);
    return [type, { schema: fits ? schemaOf(schema, "output") : { type: "string" } }];
  });
  return {
    description,
    ...(headers.length === 0
      ? {}
      : { headers: Object.fromEntries(headers.map((name) => [name, ANSWER_HEADERS[name]])) }),
    content: Object.fromEntries(content) as DocumentedAnswer["content"],
  };
}

function documentedProblem(status: number): DocumentedAnswer {
  return {
    description: PROBLEMS[status] ?? "The request was refused.",
    content: { "application/problem+json": { schema: schemaOf(problem, "output") } },
  };
}

function requestBody(body: z.ZodObject): NonNullable<DocumentedOperation["requestBody"]> {
  const schema = schemaOf(body, "input");
  return { required: "required" in schema, content: { "application/json": { schema } } };
}

function parametersOf({ method, path, query, headers }: ApiOperation): Parameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]): Parameter => {
    return { name, in: "path", required: true, schema: { type: "string", format: "uuid" } };
  });
  return [
    ...inPath,
    ...fieldParameters(query, "query"),
    ...fieldParameters(headers, "header"),
    ...fieldParameters(method === "post" ? idempotencyHeaders : undefined, "header"),
  ];
}

function fieldParameters(schema: z.ZodObject | undefined, where: "query" | "header"): Parameter[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, "input") as {
    properties?: Record<string, JsonSchema & { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

/** A schema in place; one that has a name is referred to by it. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const name = entities.get(schema)?.id;
  if (name !== undefined) return { $ref: referenceTo(name) };
  if (schema instanceof z.ZodArray) {
    return { type: "array", items: schemaOf(schema.element as z.ZodType, io) };
  }
  return plain(z.toJSONSchema(schema, { io, override }));
}

function entitySchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(entities, { uri: referenceTo, override });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, plain(schema)]));
}

const referenceTo = (name: string): string => `#/components/schemas/${name}`;

/** Without what only a schema in a file of its own has. */
function plain(schema: object): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "$schema" && key !== "$id"));
}

/** Answers may get fields that clients do not know yet, and the bounds of safe integers say nothing. */
function override({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema["additionalProperties"] === false) delete jsonSchema["additionalProperties"];
  if (jsonSchema["maximum"] === Number.MAX_SAFE_INTEGER) delete jsonSchema["maximum"];
  if (jsonSchema["minimum"] === Number.MIN_SAFE_INTEGER) delete jsonSchema["minimum"];
}
