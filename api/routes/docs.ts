/** What the service can be asked, for programs and for people. */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { createDocument } from "../openapi/document.ts";
import { PAGE_POLICY, renderPage } from "../openapi/page.ts";

export function createDocsRoutes(): Hono {
  const app = new Hono();
  const document = createDocument();
  app.get("/openapi.json", (c) => c.json(document));
  app.get("/docs", secureHeaders(), (c) => {
    c.header("Content-Security-Policy", PAGE_POLICY);
    return c.html(renderPage(document));
  });
  return app;
}
