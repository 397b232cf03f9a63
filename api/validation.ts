/** Requests against their schemas. */
import type { Context } from "hono";
import type { z } from "zod";
import { InvalidRequest } from "./problems.ts";

/** Reads a JSON body that has to fit; throws InvalidRequest with every field at fault. */
export async function parseBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await c.req.text();
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch {
    throw new InvalidRequest([{ field: "body", message: "must be JSON" }]);
  }
  return parse(schema, value, "body");
}

/** Reads the query's parameters, each once. */
export const parseQuery = <T>(c: Context, schema: z.ZodType<T>): T => parse(schema, c.req.query(), "query");

/** Reads headers by the names that the schema gives them. */
export function parseHeaders<Shape extends z.ZodRawShape>(
  c: Context,
  schema: z.ZodObject<Shape>,
): z.infer<z.ZodObject<Shape>> {
  const values = Object.keys(schema.shape).map((name) => [name, c.req.header(name)]);
  return parse<z.infer<z.ZodObject<Shape>>>(schema, Object.fromEntries(values), "headers");
}

function parse<T>(schema: z.ZodType<T>, value: unknown, whole: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidRequest(
    result.error.issues.map(({ path, message }) => ({
      field: path.length === 0 ? whole : path.join("."),
      message,
    })),
  );
}
