/** The stacks' own programs, whose Azure resources the plugin really makes in a local ARM. */
import type { MockCallArgs, MockResourceArgs } from "@pulumi/pulumi/runtime/index.js";
import { definitionOfToken } from "../../../local/arm/definitions/index.ts";
import type { Definition } from "../../../local/arm/definitions/index.ts";
import { createSend } from "../../../local/providers/azure-native/http.ts";
import { createAzureNativeProvider } from "../../../local/providers/azure-native/provider.ts";
import type { CallContext, CreateRequest, Provider } from "../../../local/providers/protocol/provider.ts";
import type { PlainMap, PropertyMap } from "../../../local/providers/protocol/values.ts";
import { plain, signatureKey } from "../../../local/providers/protocol/values.ts";
import { createProgram } from "../../../stacks/program.ts";
import type { ProgramSettings, StackSpec } from "../../../stacks/spec.ts";
import type { ArmUnderTest } from "../../local/arm/support/arm.ts";
import { declare, SECRETS, SETTINGS } from "../../stacks/program-mocks.ts";

export interface MadeResource {
  /** As ARM answered it to the plugin. */
  id: string;
  definition: Definition;
  /** As the plugin checked them: with the name and the location that it chooses. */
  inputs: PlainMap;
}

export interface MadeStack {
  made: MadeResource[];
  outputs: Record<string, unknown>;
}

const PLUGIN = "pulumi:providers:azure-native";
/** Some hundred requests, many after one another, on a machine that may be busy. */
const MADE_WITHIN_MS = 120_000;
const never = new AbortController().signal;
const context: CallContext = {
  signal: never,
  cancelled: never,
  log: () => undefined,
  status: () => undefined,
};

/**
 * Declares a stack; `platform` holds the outputs of the one beside it. With `loseAnswers` each resource is asked for
 * twice, as by an engine that was killed before it had the first answer.
 */
export async function makeStack(
  arm: ArmUnderTest,
  spec: StackSpec,
  { platform, loseAnswers = false }: { platform?: Record<string, unknown>; loseAnswers?: boolean } = {},
): Promise<MadeStack> {
  const made: MadeResource[] = [];
  const providers = new Map<string, Provider>();
  const providerOf = (reference = ""): Provider => {
    const found = providers.get(reference.slice(reference.lastIndexOf("::") + 2));
    if (found === undefined) throw new Error(`no provider ${reference}`);
    return found;
  };
  const make = async (args: MockResourceArgs) => {
    const inputs = opened(args.inputs) as PropertyMap;
    if (args.type === PLUGIN) {
      const id = `provider-${args.name}`;
      providers.set(id, await openProvider(arm, inputs));
      return { id, state: inputs };
    }
    const definition = definitionOfToken(args.type);
    if (definition === undefined) return undefined;
    const request = await check(providerOf(args.provider), args, inputs);
    if (loseAnswers) await create(providerOf(args.provider), request);
    const resource = await create(providerOf(args.provider), request);
    made.push({ id: resource.id, definition, inputs: resource.inputs });
    return { id: resource.id, state: resource.state };
  };
  const call = async ({ token, inputs, provider }: MockCallArgs) => {
    // Without control planes there is nothing to give credentials of.
    if (!token.startsWith("azure-native:") || /UserCredentials$/.test(token)) return undefined;
    const args = opened(inputs) as PropertyMap;
    return (await providerOf(provider).invoke?.({ token, args }, context))?.result;
  };
  const program = createProgram({ spec, secrets: SECRETS, settings: settingsOf(arm) });
  const { result } = await declare<Record<string, unknown>>(program, {
    make,
    call,
    withinMs: MADE_WITHIN_MS,
    ...(platform && { platformOutputs: platform }),
  });
  return { made, outputs: result };
}

/** The account of a principal of the local directory, as specs and settings name it. */
export function accountOf(arm: ArmUnderTest, principal: string) {
  const { clientId, tenantId, subscriptionId } = arm.running.cloud.directory.principal(principal);
  return { clientId, azureTenantId: tenantId, subscriptionId };
}

function settingsOf(arm: ArmUnderTest): ProgramSettings {
  return {
    ...SETTINGS,
    metadataHost: arm.running.url.replace("https://", ""),
    platform: { ...SETTINGS.platform, ...accountOf(arm, "tierlift-platform") },
  };
}

/** Signed in with the secret that the directory has for the client: programs are given it by the service. */
async function openProvider(arm: ArmUnderTest, args: PropertyMap): Promise<Provider> {
  const principal = ["tierlift-platform", "sp-tenant"]
    .map((name) => arm.running.cloud.directory.principal(name))
    .find(({ clientId }) => clientId === args["clientId"]);
  if (principal === undefined) throw new Error(`no principal ${JSON.stringify(args["clientId"])}`);
  const provider = createAzureNativeProvider({
    environment: {},
    send: createSend({}, arm.authority.certificate),
  });
  const signedIn = { ...args, clientSecret: principal.secret.value };
  await provider.configure({ id: "", urn: "", args: signedIn, variables: {} }, context);
  return provider;
}

async function check(
  provider: Provider,
  { type, name }: MockResourceArgs,
  news: PropertyMap,
): Promise<CreateRequest> {
  const of = { urn: `urn:pulumi:stack::tierlift::${type}::${name}`, name, type };
  const seed = Buffer.from(name);
  const checked = await provider.check({ ...of, olds: {}, news, randomSeed: seed }, context);
  if (checked.failures?.length) throw new Error(`${of.urn}: ${JSON.stringify(checked.failures)}`);
  return { ...of, properties: checked.inputs, timeoutSeconds: 60, preview: false };
}

async function create(provider: Provider, request: CreateRequest) {
  const { id, properties } = await provider.create(request, context);
  return { id, state: plain(properties), inputs: plain(request.properties) };
}

/** Without the wrappers of secrets, and without members that are not given. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  if (signatureKey in value) return opened((value as { value?: unknown }).value);
  const given = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(given.map(([key, member]) => [key, opened(member)]));
}
