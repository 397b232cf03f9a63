import * as pulumi from "@pulumi/pulumi";
import type { Infrastructure } from "../infrastructure/infrastructure.ts";
import type { DedicatedTier } from "../spec.ts";

export interface AzureObservabilityArgs {
  infrastructure: Infrastructure;
  tier: DedicatedTier;
  services: readonly string[];
  namespace: string;
}

export class AzureObservability extends pulumi.ComponentResource {
  constructor(name: string, args: AzureObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:observability:AzureObservability", name, {}, opts);
    void args;
    this.registerOutputs({});
  }
}
