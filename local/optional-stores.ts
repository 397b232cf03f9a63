import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { readJsonFile, writeFileDurably } from "./arm/durable.ts";

const FILE = "optional-stores.json";

/**
 * Which of the optional stores this installation has. It is decided at its first start, by what set-up found then, and
 * kept: with a store that came or went later the stacks that stand would want changes which no step of a migration may
 * make. One that was made before there was a choice has none.
 */
export async function keepOptionalStores<Store extends string>(
  folder: string,
  found: Record<Store, boolean>,
): Promise<Record<Store, boolean>> {
  const isNew = !existsSync(path.join(folder, "pki"));
  const file = path.join(folder, FILE);
  const kept = readJsonFile<Partial<Record<Store, boolean>>>(file);
  const names = Object.keys(found) as Store[];
  const decided = Object.fromEntries(
    names.map((name) => [name, kept?.[name] ?? (isNew && found[name])]),
  ) as Record<Store, boolean>;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  writeFileDurably(file, JSON.stringify({ ...kept, ...decided }));
  return decided;
}
