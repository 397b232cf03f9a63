import { expect, it } from "vitest";
import { parseRequest } from "../../../../local/kubernetes/door/request-info.ts";

const read = (method: string, path: string) => parseRequest(method, new URL(path, "https://127.0.0.1"));

const web = { resource: "deployments.apps", namespace: "work", name: "web" };

it.each([
  ["GET", "/apis/apps/v1/namespaces/work/deployments/web", { verb: "get", ...web }],
  ["PATCH", "/apis/apps/v1/namespaces/work/deployments/web?fieldManager=a", { verb: "patch", ...web }],
  ["PUT", "/apis/apps/v1/namespaces/work/deployments/web", { verb: "update", ...web }],
  ["DELETE", "/apis/apps/v1/namespaces/work/deployments/web", { verb: "delete", ...web }],
  [
    "GET",
    "/apis/apps/v1/namespaces/work/deployments/web/scale",
    { verb: "get", ...web, resource: "deployments.apps/scale" },
  ],
  [
    "POST",
    "/apis/apps/v1/namespaces/work/deployments",
    { verb: "create", resource: "deployments.apps", namespace: "work" },
  ],
  [
    "DELETE",
    "/apis/apps/v1/namespaces/work/deployments",
    { verb: "deletecollection", resource: "deployments.apps", namespace: "work" },
  ],
  ["GET", "/apis/apps/v1/deployments", { verb: "list", resource: "deployments.apps" }],
  ["GET", "/apis/apps/v1/deployments?watch=true", { verb: "watch", resource: "deployments.apps" }],
  ["GET", "/api/v1/watch/pods", { verb: "watch", resource: "pods" }],
  ["GET", "/api/v1/nodes/n1", { verb: "get", resource: "nodes", name: "n1" }],
  [
    "GET",
    "/api/v1/namespaces/work",
    { verb: "get", resource: "namespaces", namespace: "work", name: "work" },
  ],
  [
    "PUT",
    "/api/v1/namespaces/work/finalize",
    { verb: "update", resource: "namespaces/finalize", namespace: "work", name: "work" },
  ],
  [
    "GET",
    "/api/v1/namespaces/work/pods/a%3Ab/log",
    { verb: "get", resource: "pods/log", namespace: "work", name: "a:b" },
  ],
])("%s %s is told apart", (method, path, expected) => {
  expect(read(method, path)).toEqual(expected);
});

it.each([
  ["GET", "/api/v1"],
  ["GET", "/apis/apps/v1"],
  ["GET", "/apis"],
  ["GET", "/readyz"],
  ["GET", "/version"],
  ["OPTIONS", "/api/v1/pods"],
])("%s %s is about no resource", (method, path) => {
  expect(read(method, path)).toBeUndefined();
});

it("takes a dry run for no change", () => {
  expect(read("PATCH", "/apis/apps/v1/namespaces/work/deployments/web?dryRun=All")).toBeUndefined();
});
