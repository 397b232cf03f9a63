/** The local cloud's plans and its table of durations, as its operator asks for them. */
import { readFile } from "node:fs/promises";
import { CommandError } from "../../commands/command-line.ts";
import type { Endpoints } from "../../commands/endpoints.ts";
import { createSend } from "../../local/providers/azure-native/http.ts";
import type { DurationTable } from "../azure-durations.ts";

export interface CloudPlans {
  durations(): Promise<DurationTable>;
  /** Lets changes take that part of the time which Azure takes, until the plan is removed. */
  slowDown(factor: number): Promise<void>;
  remove(): Promise<void>;
}

const PLAN = "/local/plans/azure-latency";

export async function openCloudPlans(endpoints: Endpoints, signal: AbortSignal): Promise<CloudPlans> {
  const { arm, ca, armTokenFile } = endpoints;
  const send = createSend({}, await readFile(ca, "utf8"));
  const token = (await readFile(armTokenFile, "utf8")).trim();
  async function ask(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> {
    const { status, text } = await send({
      method,
      url: arm + path,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    if (status >= 300) throw new CommandError(`${method} ${path} was answered ${status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
  return {
    durations: async () => ((await ask("GET", "/local/durations")) as { durations: DurationTable }).durations,
    slowDown: async (factor) => void (await ask("PUT", PLAN, { effect: { kind: "azure-latency", factor } })),
    remove: async () => void (await ask("DELETE", PLAN)),
  };
}
