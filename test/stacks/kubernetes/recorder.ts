/** Runs a component against Pulumi's mocks and keeps what it registered. */
import * as pulumi from "@pulumi/pulumi";

export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  parent: string;
  dependsOn: string[];
  deletedWith: string;
  ignoreChanges: string[];
  deleteBeforeReplace: boolean;
}

export interface Recording<T> {
  value: T;
  resources: Registered[];
  of(type: string): Registered[];
}

/** The part of the engine's registration request that the mocks do not hand on. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getIgnorechangesList(): string[];
  getDeletebeforereplace(): boolean;
}

interface Monitor {
  registerResource(request: Request, callback: unknown): Promise<void>;
}

/** Registers by `declare` and waits until every registration is answered. */
export async function record<T>(declare: () => T): Promise<Recording<T>> {
  const inputs = new Map<string, Record<string, unknown>>();
  const resources: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource(args) {
        inputs.set(`${args.type}::${args.name}`, args.inputs as Record<string, unknown>);
        return { id: `${args.name}-id`, state: { ...args.inputs } as Record<string, unknown> };
      },
      call: () => ({}),
    },
    "tierlift",
    "acme",
    false,
  );
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = async (request, callback) => {
    await register(request, callback);
    resources.push({
      type: request.getType(),
      name: request.getName(),
      inputs: inputs.get(`${request.getType()}::${request.getName()}`) ?? {},
      parent: request.getParent(),
      dependsOn: request.getDependenciesList(),
      deletedWith: request.getDeletedwith(),
      ignoreChanges: request.getIgnorechangesList(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
    });
  };
  const value = declare();
  await pulumi.runtime.disconnect();
  return { value, resources, of: (type) => resources.filter((resource) => resource.type === type) };
}

/** The value inside a secret input; fails when the input is not a secret. */
export function revealSecret(input: unknown): unknown {
  const wrapped = input as Record<string, unknown>;
  if (wrapped[pulumi.runtime.specialSigKey] !== pulumi.runtime.specialSecretSig) {
    throw new Error(`not a secret: ${JSON.stringify(input)}`);
  }
  return wrapped.value;
}

/** The value of an output once it is known. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}

export const tenant = {
  id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01",
  slug: "acme",
  name: "Acme",
  region: "westeurope",
};

export const stores = {
  postgres: {
    host: pulumi.output("127.0.0.1"),
    port: pulumi.output(6543),
    user: pulumi.output("tenant_acme"),
    password: pulumi.secret("p@ss/word"),
  },
  cache: { host: pulumi.output("cache.test"), port: pulumi.output(10000), password: pulumi.secret("c@che") },
  kafka: {
    bootstrapServers: pulumi.output("events.test:9093"),
    namespace: pulumi.output("acme-events"),
  },
};

export const administrator = {
  host: pulumi.output("127.0.0.1"),
  port: pulumi.output(6543),
  user: pulumi.output("administrator"),
  password: pulumi.secret("admin-secret"),
};

/** The shared container of blobs, reached as the platform's principal. */
export const sharedBlobs = {
  metadataHost: "127.0.0.1:8443",
  source: {
    endpoint: pulumi.output("https://127.0.0.1:7001/stshared/"),
    container: "tenants",
    login: {
      azureTenantId: "directory",
      clientId: "platform",
      clientSecret: pulumi.secret("platform-secret"),
    },
  },
};

/** The shared namespace of topics, as well. */
export const sharedKafka = {
  metadataHost: "127.0.0.1:8443",
  source: {
    bootstrapServers: pulumi.output("127.0.0.1:7003"),
    namespace: pulumi.output("shared-events"),
    login: sharedBlobs.source.login,
  },
};

/** Where a dedicated cluster's collector sends. */
export const telemetry = {
  connectionString: pulumi.output("InstrumentationKey=1"),
  clientId: pulumi.output("dddddddd-0000-0000-0000-000000000003"),
};
