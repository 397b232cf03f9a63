import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { credentials } from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../support/plugin.ts";

const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const module = join(import.meta.dirname, "../../../local/providers/host/main.ts");
const urn = "urn:pulumi:s::p::command:local:Command::hello";

const host = spawn(process.execPath, ["--import", loader, module, "command", "kubernetes"], {
  stdio: ["pipe", "pipe", "inherit"],
});
const lines = createInterface({ input: host.stdout });
let ports: Record<string, number>;

async function open(): Promise<Record<string, number>> {
  host.stdin.write("open\n");
  const [line] = (await once(lines, "line")) as [string];
  return JSON.parse(line) as Record<string, number>;
}

/** A connection of its own, as an engine has for each provider resource. */
function dial(port: number | undefined) {
  const options = { "grpc.use_local_subchannel_pool": 1 };
  const client = new providerGrpc.ResourceProviderClient(
    `127.0.0.1:${port}`,
    credentials.createInsecure(),
    options,
  );
  return { ...connect(client), close: () => client.close() };
}

beforeAll(async () => {
  ports = await open();
}, 60_000);

afterAll(async () => {
  host.stdin.end();
  expect(await once(host, "exit")).toEqual([0, null]);
});

describe("the process that serves the plugins", { timeout: 30_000 }, () => {
  it("serves the plugins it was asked for", async () => {
    expect(Object.keys(ports)).toEqual(["command", "kubernetes"]);
    const plugin = dial(ports["command"]);
    const properties = { create: "echo hello" };
    const { response } = await plugin.call("Create", { urn, properties, timeout: 10 });
    expect(response).toMatchObject({ properties: { stdout: "hello" } });
    plugin.close();
  });

  it("keeps what one connection configures from the others", async () => {
    const [first, second] = [dial(ports["kubernetes"]), dial(ports["kubernetes"])];
    const answers: (string | undefined)[] = [];
    await first.call("Configure", { args: { kubeconfig: "no kubeconfig" } });
    for (const plugin of [first, second]) {
      const { failure } = await plugin.call("Read", {
        urn: "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::one",
        id: "default/one",
        properties: {},
        inputs: {},
      });
      answers.push(failure?.message);
      plugin.close();
    }
    expect(answers[1]).toContain("the provider is not configured");
    expect(answers[0]).not.toContain("the provider is not configured");
  });

  it("opens new ports for the next engine and ends what the one before left", async () => {
    const old = dial(ports["command"]);
    const asleep = old.call("Create", { urn, properties: { create: "sleep 60" }, timeout: 100 });
    host.stdin.write("close\n");
    expect(await asleep).toHaveProperty("failure");
    old.close();
    ports = await open();
    const plugin = dial(ports["command"]);
    expect((await plugin.call("GetPluginInfo", {})).failure).toBeUndefined();
    plugin.close();
  });
});
