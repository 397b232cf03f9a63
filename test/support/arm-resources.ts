/** Resources of the local ARM for tests of what stands behind them. */
import type { ArmResource, ResourceView } from "../../local/arm/backend.ts";

/** A resource with everything that follows from its id. */
export function resource(
  id: string,
  body: Record<string, unknown> = {},
  location = "westeurope",
): ArmResource {
  const segments = id.split("/");
  const provider = segments.indexOf("providers");
  const names = segments.slice(provider + 2);
  return {
    id,
    type: [segments[provider + 1], ...names.filter((_, index) => index % 2 === 0)].join("/"),
    name: segments.at(-1)!,
    subscriptionId: segments[2]!,
    resourceGroup: segments[4]!,
    apiVersion: "2025-01-01",
    location,
    body,
  };
}

/** A view of resources; those added to the array later are seen, too. */
export function viewOf(resources: ArmResource[]): ResourceView {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  return {
    get: (id) => resources.find((candidate) => same(candidate.id, id)),
    list: (type, below) =>
      resources.filter(
        (candidate) =>
          same(candidate.type, type) &&
          (below === undefined || candidate.id.toLowerCase().startsWith(`${below.toLowerCase()}/`)),
      ),
  };
}
