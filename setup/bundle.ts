/**
 * Programs that are started again and again, as one file each: a plugin's start takes 0.12 s of CPU instead of 0.55 s,
 * an engine process's 0.6 s instead of 2.0 s.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { ensureCached } from "./cache.ts";
import { SetupError } from "./errors.ts";
import type { SetupContext } from "./parts.ts";
import { step } from "./progress.ts";

const CHECKOUT = path.join(import.meta.dirname, "..");
const SOURCES = ["automation", "local", "stacks"];

const KEEP_MS = 24 * 3_600_000;

const PLUGINS = ["azure-native", "kubernetes", "command"];
/** In pieces, so that rows do without what only blobs need. */
const DATA = { data: "automation/data/main.ts" };
/** Loaded into one process, so they must share one copy of the SDK: its registries live in its modules. */
const ENGINE = { child: "automation/engine/child.ts", program: "stacks/program.ts" };

/** The folder that holds `<plugin>.mjs` for each plugin, `host.mjs` for all of them, `data.mjs`, `child.mjs` and `program.mjs`. */
export async function ensureBundles(context: SetupContext): Promise<string> {
  const family = `bundles-${createHash("sha256").update(CHECKOUT).digest("hex").slice(0, 8)}-`;
  return ensureCached({
    ...context,
    name: `${family}${await hashSources()}`,
    probe: "program.mjs",
    make: async (folder) => {
      await step("bundling plugins and programs (about 5 s)", () => bundleAll(folder), context);
      await removeOld(context.cache, family);
    },
  });
}

/** Every change of a source makes a bundle of 30 MB. One that is in use by a running service is hardly a day old. */
async function removeOld(cache: string, family: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(family) || name.includes(".")) continue;
    const { mtimeMs } = await stat(path.join(cache, name));
    if (Date.now() - mtimeMs > KEEP_MS) await rm(path.join(cache, name), { recursive: true, force: true });
  }
}

/** Everything that may end up in a bundle; also the checkout's path, which some modules find their files by. */
async function hashSources(): Promise<string> {
  const hash = createHash("sha256").update(CHECKOUT);
  const files = [import.meta.filename, path.join(CHECKOUT, "package-lock.json")];
  for (const folder of SOURCES) {
    const names = await readdir(path.join(CHECKOUT, folder), { recursive: true });
    files.push(
      ...names.filter((name) => name.endsWith(".ts")).map((name) => path.join(CHECKOUT, folder, name)),
    );
  }
  for (const file of files.sort()) hash.update(`${file}\0`).update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}

async function bundleAll(folder: string): Promise<void> {
  const plugins = [...PLUGINS, "host"].map((name) => [name, `local/providers/${name}/main.ts`] as const);
  try {
    await bundle(folder, Object.fromEntries(plugins), { splitting: false });
    await bundle(folder, DATA, { splitting: true });
    await bundle(folder, ENGINE, { splitting: true });
  } catch (error) {
    throw new SetupError(`bundling plugins and programs failed: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await esbuild.stop();
  }
}

async function bundle(
  folder: string,
  entries: Record<string, string>,
  options: { splitting: boolean },
): Promise<void> {
  const present = Object.entries(entries).filter(([, file]) => existsSync(path.join(CHECKOUT, file)));
  await esbuild.build({
    absWorkingDir: CHECKOUT,
    entryPoints: Object.fromEntries(present),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    ...options,
    // 9 MB that the SDK wants only for functions that are kept in a state, and a driver that pg can do without.
    external: ["typescript", "pg-native"],
    banner: {
      js: 'import { createRequire as createRequireHere } from "node:module"; const require = createRequireHere(import.meta.url);',
    },
    plugins: [keepLocations],
    logLevel: "silent",
  });
}

/** Modules that find files beside themselves go on finding them there. */
const keepLocations: esbuild.Plugin = {
  name: "keep-locations",
  setup(build) {
    build.onLoad({ filter: /\.([cm]?js|ts)$/ }, async ({ path: file }) => {
      const text = await readFile(file, "utf8");
      const contents = withLocations(text, file);
      return contents === text ? undefined : { contents, loader: file.endsWith(".ts") ? "ts" : "js" };
    });
  },
};

/** A module's text with its own path in place of what would be the bundle's. */
export function withLocations(text: string, file: string): string {
  const variables = Object.entries({ __dirname: path.dirname(file), __filename: file })
    // A module for both kinds of loaders declares them itself, from the address that is put in below.
    .filter(([name]) => new RegExp(`\\b${name}\\b`).test(text) && !declares(text, name))
    .map(([name, value]) => `${name} = ${quote(value)}`);
  const located = text
    .replaceAll(/\bimport\.meta\.url\b/g, quote(pathToFileURL(file).href))
    .replaceAll(/\bimport\.meta\.dirname\b/g, quote(path.dirname(file)))
    .replaceAll(/\bimport\.meta\.filename\b/g, quote(file));
  return variables.length > 0 ? `var ${variables.join(", ")};${located}` : located;
}

function declares(text: string, name: string): boolean {
  return new RegExp(`^\\s*(const|let|var)\\s+${name}\\b`, "m").test(text);
}

const quote = (text: string): string => JSON.stringify(text);
