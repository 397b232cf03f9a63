import type { Provider } from "../protocol/provider.ts";

export function createCommandProvider(): Provider {
  return {
    version: "1.2.1",
    configure: () =>
      Promise.resolve({
        acceptSecrets: true,
        acceptResources: true,
        acceptOutputs: true,
        supportsPreview: true,
      }),
    check: (request) => Promise.resolve({ inputs: request.news }),
    diff: () => Promise.resolve({ changes: "none", detailedDiff: {} }),
    create: (request) => Promise.resolve({ id: request.name, properties: request.properties }),
  };
}
