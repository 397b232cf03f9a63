/** Principals of a directory for tests of what lets them in. */
import type { DirectoryPrincipal } from "../../local/arm/identity/directory.ts";

/** One that tokens can be issued to; its secret is nobody's. */
export function principalOf(tenantId: string): DirectoryPrincipal {
  return {
    name: "test",
    purpose: "a test's",
    clientId: "22222222-2222-2222-2222-222222222222",
    objectId: "33333333-3333-3333-3333-333333333333",
    tenantId,
  } as DirectoryPrincipal;
}
