/** What the service can be asked, for programs and for people. */
import { Hono } from "hono";
import { createDocument } from "../openapi/document.ts";
import { PAGE_POLICY, renderPage } from "../openapi/page.ts";

export function createDocsRoutes(): Hono {
  const app = new Hono();
  const document = createDocument();
  app.get("/openapi.json", (c) => c.json(document));
  app.get("/docs", (c) => {
    c.header("Content-Security-Policy", PAGE_POLICY);
    return c.html(renderPage(document));
  });
  return app;
}
