/** What the pulumi command line runs: the stack's configuration as a program. */
import * as pulumi from "@pulumi/pulumi";
import { readRequest, readSecretKeys } from "./configuration.ts";
import { createProgram } from "./program.ts";

export default async function declare(): Promise<Record<string, unknown>> {
  const request = await readRequest(new pulumi.Config("tierlift"), readSecretKeys(process.env));
  return createProgram(request)();
}
