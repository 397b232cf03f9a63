/** From a request to a Pulumi program; the Automation API and the pulumi command line both run this. */
import { declarePlatform } from "./platform.ts";
import type { ProgramHooks, ProgramRequest } from "./spec.ts";
import { declareTenant } from "./tenant.ts";

/** The program that declares what the request's spec asks for; it resolves to the stack's outputs. */
export function createProgram(
  request: ProgramRequest,
  hooks: ProgramHooks = {},
): () => Promise<Record<string, unknown>> {
  const { spec, secrets, settings } = request;
  return () => {
    switch (spec.kind) {
      case "platform":
        return Promise.resolve(declarePlatform({ spec, secrets, settings }));
      case "tenant":
        return Promise.resolve(declareTenant(spec, secrets, settings, hooks));
    }
  };
}
