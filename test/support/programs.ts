/** Programs without providers, for trying the engine's border with the real engine. */
import * as pulumi from "@pulumi/pulumi";
import { waitBeforeSwitch } from "../../stacks/dns/switch.ts";
import type { ProgramHooks, ProgramRequest } from "../../stacks/spec.ts";

class Part extends pulumi.ComponentResource {
  constructor(
    type: string,
    name: string,
    opts?: pulumi.ComponentResourceOptions,
    inputs: Record<string, pulumi.Input<unknown>> = {},
  ) {
    super(type, name, inputs, opts);
    this.registerOutputs({});
  }
}

/** Declares the slice's and the dedicated component of a tenant's spec, with one part below each layer, and a record. */
export function createProgram({ spec, secrets }: ProgramRequest, hooks: ProgramHooks = {}) {
  return async (): Promise<Record<string, unknown>> => {
    await Promise.resolve();
    if (spec.kind === "platform") return {};
    if (spec.tenant.name === "throws") throw new Error("the program has a mistake");
    if (spec.tenant.name === "hangs") await new Promise((resolve) => setTimeout(resolve, 60_000));
    const parts: Part[] = [];
    if (spec.slice) parts.push(new Part("tierlift:slice:Slice", spec.tenant.slug));
    if (spec.dedicated) {
      const dedicated = new Part("tierlift:dedicated:Dedicated", spec.tenant.slug);
      parts.push(dedicated);
      for (const layer of spec.dedicated.layers)
        new Part("tierlift:test:Layer", layer, { parent: dedicated });
    }
    if (spec.next)
      new Part(
        "tierlift:test:Record",
        "record",
        {},
        { target: waitBeforeSwitch(pulumi.output("x"), parts, hooks) },
      );
    return { route: spec.route, seed: pulumi.secret(secrets.passwordSeed) };
  };
}
