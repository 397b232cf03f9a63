import { randomBytes } from "node:crypto";
import type { CallContext, CreateRequest, Provider, UpdateRequest } from "../protocol/provider.ts";
import {
  hasSecret,
  plain,
  Unknown,
  type PlainMap,
  type PropertyMap,
  type PropertyValue,
} from "../protocol/values.ts";
import { diffInputs, topLevel } from "./diff.ts";
import { checkInputs } from "./inputs.ts";
import { killAll, runCommand, type CommandOutcome } from "./run.ts";

const version = "1.2.1";
/** The official provider keeps the version of its framework in its own inputs; states move between the two. */
const frameworkVersion = "1.2.0";
const token = "command:local:Command";

/** `command:local:Command` as the official provider runs it. Remote commands and assets are not served. */
export function createCommandProvider(): Provider {
  return {
    version,
    close: killAll,
    checkConfig: ({ news }) =>
      Promise.resolve({ inputs: { "__pulumi-go-provider-version": frameworkVersion, ...news } }),
    configure: () =>
      Promise.resolve({
        acceptSecrets: true,
        acceptResources: true,
        acceptOutputs: true,
        supportsPreview: true,
      }),

    check({ type, news }) {
      if (type !== token) return Promise.reject(new Error(`${type} is not served by this plugin`));
      return Promise.resolve({ inputs: news, failures: checkInputs(news) });
    },

    diff({ olds, oldInputs, news, ignoreChanges }) {
      const before = Object.keys(oldInputs).length > 0 ? oldInputs : inputsOf(olds);
      const detailedDiff = diffInputs(before, news);
      for (const path of Object.keys(detailedDiff)) {
        if (ignoreChanges.includes(path) || ignoreChanges.includes(topLevel(path))) delete detailedDiff[path];
      }
      const diffs = [...new Set(Object.keys(detailedDiff).map(topLevel))];
      // Changed triggers replace too, but it is the SDK's `replaceOnChanges` that says so.
      return Promise.resolve({ changes: diffs.length > 0 ? "some" : "none", diffs, detailedDiff });
    },

    async create(request, context) {
      const id = request.name + randomBytes(4).toString("hex");
      if (request.preview) return { id, properties: withUnknownOutputs(request) };
      const outcome = await run(request.properties["create"], request.properties, {}, context);
      return { id, properties: { ...request.properties, ...(outcome ?? { stdout: "", stderr: "" }) } };
    },

    async update(request, context) {
      if (request.preview) return { properties: withUnknownOutputs({ properties: request.news }) };
      return { properties: await update(request, context) };
    },

    read: ({ id, properties, inputs }) => Promise.resolve({ id, properties, inputs }),

    async delete({ properties }, context) {
      await run(properties["delete"], properties, properties, context);
    },
  };
}

async function update({ olds, news }: UpdateRequest, context: CallContext): Promise<PropertyMap> {
  const outcome = await run(news["update"] ?? news["create"], news, olds, context);
  const { stdout = "", stderr = "" } = olds;
  return { ...news, ...(outcome ?? { stdout, stderr }) };
}

function withUnknownOutputs({ properties }: Pick<CreateRequest, "properties">): PropertyMap {
  return { ...properties, stdout: new Unknown(), stderr: new Unknown() };
}

function inputsOf(state: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(state).filter(([key]) => !outputs.has(key)));
}

const outputs: ReadonlySet<string> = new Set(["stdout", "stderr", "assets", "archive"]);

async function run(
  commandInput: PropertyValue | undefined,
  properties: PropertyMap,
  previous: PropertyMap,
  context: CallContext,
): Promise<CommandOutcome | undefined> {
  const command = commandInput === undefined ? undefined : plain(commandInput);
  if (typeof command !== "string") return undefined;
  const inputs = plain(properties);
  const interpreter = Array.isArray(inputs["interpreter"]) ? inputs["interpreter"].map(asText) : [];
  const logging = typeof inputs["logging"] === "string" ? inputs["logging"] : "stdoutAndStderr";
  return runCommand({
    argv: [...(interpreter.length > 0 ? interpreter : ["/bin/sh", "-c"]), command],
    shownAs: hasSecret(commandInput) ? "[secret]" : command,
    dir: typeof inputs["dir"] === "string" ? inputs["dir"] : undefined,
    environment: { ...environmentOf(inputs), ...previousOutput(inputs, plain(previous)) },
    stdin: typeof inputs["stdin"] === "string" ? inputs["stdin"] : "",
    signal: context.signal,
    onLine: (stream, line) => {
      if (logging === stream || logging === "stdoutAndStderr") context.log("info", line);
    },
  });
}

function environmentOf(inputs: PlainMap): Record<string, string> {
  const environment = inputs["environment"];
  if (typeof environment !== "object" || environment === null) return {};
  return Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, asText(value)]));
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What the run before printed, for the command that follows it. */
function previousOutput(inputs: PlainMap, previous: PlainMap): Record<string, string> {
  if (inputs["addPreviousOutputInEnv"] === false) return {};
  const { stdout, stderr } = previous;
  return {
    ...(typeof stdout === "string" && stdout !== "" && { PULUMI_COMMAND_STDOUT: stdout }),
    ...(typeof stderr === "string" && stderr !== "" && { PULUMI_COMMAND_STDERR: stderr }),
  };
}
