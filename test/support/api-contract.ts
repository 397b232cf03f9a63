/** Holds answers against the OpenAPI document: status, headers, media type and body. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { DocumentedOperation, JsonSchema, OpenApiDocument } from "../../api/openapi/document.ts";

export interface ApiContract {
  /** Throws with every deviation. Paths that the document does not know must be refused with a problem. */
  check(method: string, path: string, response: Response): Promise<void>;
}

export function createContract(document: OpenApiDocument): ApiContract {
  // The document lets answers grow; what it does not tell of today is a mistake all the same.
  const closed = close(document) as OpenApiDocument;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "document", ...closed });
  const compiled = new Map<JsonSchema, ValidateFunction>();

  function validatorOf(schema: JsonSchema): ValidateFunction {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const made = ajv.compile(absolute(schema) as JsonSchema);
    compiled.set(schema, made);
    return made;
  }

  function operationOf(method: string, path: string): DocumentedOperation | undefined {
    const template = bestTemplate(Object.keys(closed.paths), path);
    return template === undefined ? undefined : closed.paths[template]?.[method.toLowerCase()];
  }

  return {
    async check(method, path, response) {
      const said = `${method} ${path} answered ${response.status}`;
      const operation = operationOf(method, path);
      if (operation === undefined) {
        if (response.status < 400) throw new Error(`${said}, which no operation tells of`);
        return;
      }
      const answer = operation.responses[response.status];
      if (answer === undefined) throw new Error(`${said}, which ${operation.operationId} does not tell of`);
      const type = response.headers.get("Content-Type")?.split(";")[0] ?? "none";
      const content = answer.content[type];
      if (content === undefined) throw new Error(`${said} as ${type}, which is not documented`);
      for (const [header, { required = false }] of Object.entries(answer.headers ?? {})) {
        if (required && !response.headers.has(header)) throw new Error(`${said} without ${header}`);
      }
      if (!type.endsWith("json")) return;
      const validate = validatorOf(content.schema);
      if (!validate(await response.clone().json())) {
        throw new Error(`${said}, which does not fit: ${ajv.errorsText(validate.errors)}`);
      }
    },
  };
}

/** Of the templates that fit, the one with the fewest parameters: `/stats` before `/{jobId}`. */
function bestTemplate(templates: string[], path: string): string | undefined {
  const [plain = ""] = path.split("?");
  const parameters = (template: string): number => template.split("{").length;
  return templates
    .filter((template) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(plain))
    .sort((a, b) => parameters(a) - parameters(b))[0];
}

/** Forbids fields that an object's schema does not name. */
function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, close(inner)]);
  const schema = Object.fromEntries(entries) as JsonSchema;
  const isOpenObject = schema["type"] === "object" && "properties" in schema;
  return isOpenObject && !("additionalProperties" in schema)
    ? { ...schema, additionalProperties: false }
    : schema;
}

/** References as seen from outside the document. */
function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" ? `document${inner}` : absolute(inner),
    ]),
  );
}
