import { beforeEach, describe, expect, it } from "vitest";
import { tierliftError } from "../../automation/errors.ts";
import { createApi, mintToken } from "../support/api.ts";
import type { Api } from "../support/api.ts";
import { activeTenant, arrival, underWay } from "../support/fake-world.ts";

let api: Api;
let token: string;
beforeEach(async () => {
  api = createApi();
  await api.world.tierlift.start();
  token = await mintToken(["PLATFORM_ADMIN"]);
});

/** The value of a series, by its name and labels as they are written. */
async function valueOf(series: string): Promise<number | undefined> {
  const response = await api.get("/metrics", undefined);
  expect(response.headers.get("Content-Type")).toContain("text/plain; version=0.0.4");
  const line = (await response.text()).split("\n").find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

describe("the metrics", () => {
  it("count requests by documented route, whatever the ids in them and whatever came of them", async () => {
    for (const id of ["a", "b"]) await api.get(`/api/v1/migrations/${id}`, token);
    await api.get("/api/v1/migrations/a", undefined);
    await api.get("/api/v1/migrations/stats", token);
    await api.get("/nowhere/at/all", token);
    await api.request("/nowhere", { method: "BREW", token });
    const requests = (labels: string) => valueOf(`tierlift_http_requests_total{${labels}}`);
    const route = "/api/v1/migrations/{jobId}";
    expect(await requests(`method="GET",route="${route}",status="404"`)).toBe(2);
    expect(await requests(`method="GET",route="${route}",status="401"`)).toBe(1);
    expect(await requests('method="GET",route="/api/v1/migrations/stats",status="200"')).toBe(1);
    expect(await requests('method="GET",route="none",status="404"')).toBe(1);
    expect(await requests('method="other",route="none",status="404"')).toBe(1);
    const count = `tierlift_http_request_duration_seconds_count{method="GET",route="${route}"}`;
    expect(await valueOf(count)).toBe(3);
  });

  it("tell of active migrations, of phases and their failures", async () => {
    let failures = 1;
    api.world.engine.onApply = (_stack, _operation, { name }) => {
      if (name === "kubernetes" && failures-- > 0) {
        throw tierliftError("RESOURCE_FAILED", { stack: "acme", detail: "once" });
      }
    };
    const { id } = await activeTenant(api.world);
    const jobId = await underWay(api.world, id);
    await arrival(api.world, jobId, "VERIFICATION");
    expect(await valueOf('tierlift_migrations_active{status="VERIFICATION"}')).toBe(1);
    expect(await valueOf('tierlift_migrations_active{status="PROVISIONING"}')).toBe(0);
    expect(await valueOf('tierlift_migrations_active{status="COMPLETED"}')).toBeUndefined();
    const phase = "CREATING_K8S_RESOURCES";
    expect(await valueOf(`tierlift_phase_duration_seconds_count{phase="${phase}"}`)).toBe(1);
    expect(await valueOf(`tierlift_phase_failures_total{phase="${phase}",code="RESOURCE_FAILED"}`)).toBe(1);
  });

  it("tell of engine operations that run", async () => {
    const running = 'tierlift_engine_operations{state="running"}';
    await activeTenant(api.world);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => {
      api.world.engine.onApply = () => {
        resolve();
        return released;
      };
    });
    expect(await valueOf(running)).toBe(0);
    await api.post("/api/v1/tenants", token, { name: "B", slug: "bravo", adminEmail: "ada@bravo.test" });
    await reached;
    expect(await valueOf(running)).toBe(1);
    expect(await valueOf('tierlift_engine_operations{state="waiting"}')).toBe(0);
    release();
  });

  it("tell of the process", async () => {
    expect(await valueOf("process_resident_memory_bytes")).toBeGreaterThan(0);
  });
});

describe("the log", () => {
  let lines: Record<string, unknown>[];
  beforeEach(async () => {
    lines = [];
    api = createApi({ onLog: (line) => lines.push(line) });
    await api.world.tierlift.start();
  });

  it("names the request, the tenant and the job of a request about a job", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const jobId = await underWay(api.world, tenantId);
    const response = await api.get(`/api/v1/migrations/${jobId}`, token);
    const requestId = response.headers.get("X-Request-Id");
    expect(lines.at(-1)).toMatchObject({ requestId, tenantId, jobId, status: 200, msg: "request" });
  });

  it("names what a request has made", async () => {
    const body = { name: "Acme", slug: "acme", adminEmail: "ada@acme.test" };
    const { id: tenantId } = (await (await api.post("/api/v1/tenants", token, body)).json()) as {
      id: string;
    };
    expect(lines.at(-1)).toMatchObject({ tenantId, status: 201 });
  });

  it("takes over the caller's id of the request, unless it is unfit", async () => {
    const idOf = async (given: string) =>
      (await api.request("/health", { headers: { "X-Request-Id": given } })).headers.get("X-Request-Id");
    expect(await idOf("call-7")).toBe("call-7");
    expect(await idOf('call"7')).toMatch(/^[0-9a-f-]{36}$/);
    expect(lines[0]).toMatchObject({ requestId: "call-7" });
  });
});

it("answers 405 with what is possible, for a method that a path does not know", async () => {
  const response = await api.request("/api/v1/tenants", { method: "PUT", token });
  expect(response.status).toBe(405);
  expect(response.headers.get("Allow")).toBe("POST, GET");
});
