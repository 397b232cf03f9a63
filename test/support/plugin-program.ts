/** A program that starts each plugin but azure-native, and reaches nothing outside this process's machine. */
import * as command from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import type { ProgramRequest } from "../../stacks/spec.ts";

/** Runs one command, and renders nothing with a Kubernetes provider whose cluster is never asked. */
export function createProgram({ spec }: ProgramRequest) {
  return async (): Promise<Record<string, unknown>> => {
    await Promise.resolve();
    if (spec.kind === "platform") return {};
    new kubernetes.Provider("unasked", { kubeconfig: "{}", clusterIdentifier: "unasked" });
    const greeting = new command.local.Command("greeting", { create: "echo from the command plugin" });
    return { greeting: greeting.stdout };
  };
}
