import { createHash } from "node:crypto";
import { copyFile, readFile } from "node:fs/promises";
import path from "node:path";
import { ensureCached } from "./cache.ts";
import { CommandFailure, runCommand } from "./command.ts";
import { SetupError } from "./errors.ts";
import { findJava, findMaven } from "./java.ts";
import type { Absent, SetupContext } from "./parts.ts";
import { step } from "./progress.ts";

/** Apache Kafka, the broker behind the local cloud's event namespaces. */
export interface Kafka {
  /** The `java` that runs it. */
  java: string;
  /** Folder with its jars. */
  libs: string;
  version: string;
}

/** Holds what is copied from Maven's repository: Kafka's version, and Maven finds what it needs. */
const POM = path.join(import.meta.dirname, "kafka", "pom.xml");
const LIBS = "libs";
/** Maven writes its errors to standard output unless it is told otherwise. */
const ERRORS_ASIDE = "-Dorg.slf4j.simpleLogger.logFile=System.err";
const COPY_WITHIN_MS = 10 * 60_000;

/**
 * Brings the broker's jars, from the cache or Maven's repository. The store is optional: without Java, or without Maven
 * and the jars, the answer says what is missing and how to get it. Rejects when there is Maven and it fails.
 */
export async function ensureKafka(context: SetupContext): Promise<Kafka | Absent> {
  const pom = await readFile(POM, "utf8");
  const version = /<version>(\d[^<]*)<\/version>/.exec(pom)![1]!;
  const java = await findJava(context.signal);
  if ("missing" in java) return { absent: `Kafka ${version} is left out: ${java.missing}` };
  const [missing, folder] = await bring(pom, version, context);
  if (missing !== undefined) return { absent: `Kafka ${version} is left out: ${missing}` };
  return { java: java.command, libs: path.join(folder, LIBS), version };
}

/** What is missing, or the folder. */
async function bring(
  pom: string,
  version: string,
  context: SetupContext,
): Promise<[missing: string] | [missing: undefined, folder: string]> {
  const name = `kafka-${version}-${createHash("sha256").update(pom).digest("hex").slice(0, 12)}`;
  let missing: string | undefined;
  try {
    const folder = await ensureCached({
      ...context,
      name,
      probe: path.join(LIBS, `kafka_2.13-${version}.jar`),
      make: async (draft) => {
        const maven = await findMaven();
        if ("missing" in maven) throw new SetupError((missing = maven.missing));
        const text = `copying Kafka ${version} from Maven's repository (about 20 s)`;
        await step(text, () => copyJars(draft, maven.command, context), context);
      },
    });
    return [undefined, folder];
  } catch (error) {
    if (missing === undefined) throw error;
    return [missing];
  }
}

async function copyJars(folder: string, maven: string, { signal }: SetupContext): Promise<void> {
  await copyFile(POM, path.join(folder, "pom.xml"));
  const args = [
    ...["--batch-mode", "--quiet", "dependency:copy-dependencies"],
    ...["-DincludeScope=runtime", `-DoutputDirectory=${LIBS}`],
  ];
  try {
    await runCommand(maven, args, {
      cwd: folder,
      env: { ...process.env, MAVEN_OPTS: `${process.env.MAVEN_OPTS ?? ""} ${ERRORS_ASIDE}`.trim() },
      timeoutMs: COPY_WITHIN_MS,
      ...(signal && { signal }),
    });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    // What it says after its first sentences is how to ask it for more.
    const said = error.stderr.trim().split("\n").slice(0, 3).join("\n");
    throw new SetupError(
      `Kafka's jars could not be copied: ${error.message}\n${said}\n` +
        "It needs Maven's repository (a mirror is named in ~/.m2/settings.xml) and 50 MB of disk.",
      { cause: error },
    );
  }
}
