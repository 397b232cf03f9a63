/** The document as one page without scripts or anything to load, so that it works offline and under a strict policy. */
import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { DocumentedOperation, JsonSchema, OpenApiDocument, Parameter } from "./document.ts";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid #8886; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 4.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9rem; }
pre { overflow-x: auto; background: #8881; padding: .6rem; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; border-bottom: 1px solid #8884; padding: .25rem .5rem .25rem 0; }
`;

/** The only style the page may have; scripts, images, frames and forms it has none. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export function renderPage({ info, tags, paths, components }: OpenApiDocument): Html {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title} API</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <h1>${info.title} API ${info.version}</h1>
        <p>${info.description} For programs: <a href="/openapi.json">openapi.json</a>.</p>
        ${tags.map(
          ({ name, description }) =>
            html`<h2>${name}</h2>
              <p>${description}</p>
              ${operations
                .filter(({ operation }) => operation.tags.includes(name))
                .map(({ method, path, operation }) => operationHtml(method, path, operation))}`,
        )}
        <h2>Schemas</h2>
        ${Object.entries(components.schemas).map(
          ([name, schema]) =>
            html`<details id="schema-${name}">
              <summary><code>${name}</code></summary>
              ${schemaHtml(schema)}
            </details>`,
        )}
      </body>
    </html>`;
}

function operationHtml(method: string, path: string, operation: DocumentedOperation): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  return html`<details id="${operationId}">
    <summary><b>${method.toUpperCase()}</b> <code>${path}</code> ${summary}</summary>
    <p>${description}</p>
    ${parameters.length === 0 ? "" : parametersHtml(parameters)}
    ${Object.entries(requestBody?.content ?? {}).map(
      ([type, { schema }]) =>
        html`<h4>Body <code>${type}</code></h4>
          ${schemaHtml(schema)}`,
    )}
    <h4>Answers</h4>
    <table>
      ${Object.entries(responses).map(
        ([status, answer]) =>
          html`<tr>
            <th>${status}</th>
            <td>
              ${answer.description}
              ${Object.entries(answer.content).map(
                ([type, { schema }]) => html`<br /><code>${type}</code> ${referenceHtml(schema)}`,
              )}
            </td>
          </tr>`,
      )}
    </table>
  </details>`;
}

function parametersHtml(parameters: Parameter[]): Html {
  return html`<h4>Parameters</h4>
    <table>
      ${parameters.map(
        ({ name, in: where, required, description = "", schema }) =>
          html`<tr>
            <th><code>${name}</code></th>
            <td>${where}${required ? ", required" : ""}</td>
            <td>${description} <code>${JSON.stringify(schema)}</code></td>
          </tr>`,
      )}
    </table>`;
}

/** A named schema as a link to it, any other as it is. */
function schemaHtml(schema: JsonSchema): Html {
  const name = nameOf(schema);
  if (name !== undefined) return html`<p>${referenceHtml(schema)}</p>`;
  return html`<pre>${JSON.stringify(schema, null, 2)}</pre>`;
}

function referenceHtml(schema: JsonSchema): Html {
  const items = schema["items"] as JsonSchema | undefined;
  const name = nameOf(items ?? schema);
  return name === undefined ? html`` : html`${items ? "array of " : ""}<a href="#schema-${name}">${name}</a>`;
}

const nameOf = ({ $ref }: JsonSchema): string | undefined =>
  typeof $ref === "string" ? $ref.split("/").at(-1) : undefined;
