import path from "node:path";
import { CommandFailure, runCommand } from "./command.ts";
import { findOnPath } from "./on-path.ts";

/** The first Java that Kafka 4 runs on. */
const OLDEST = 17;
const GET_JAVA =
  "install a Java runtime 17 or newer (Debian: openjdk-17-jre-headless; macOS: openjdk@17) and put java on PATH";
const GET_MAVEN = "install Maven (Debian: maven; macOS: maven) and put mvn on PATH";
const ANSWER_WITHIN_MS = 30_000;

export interface Java {
  command: string;
  /** As it tells it: `17.0.15`. */
  version: string;
}

/** The Java on PATH, or what is missing and how to get it. */
export async function findJava(signal?: AbortSignal): Promise<Java | { missing: string }> {
  const command = await findOnPath("java");
  if (!command) return { missing: `there is no Java: ${GET_JAVA}` };
  try {
    const { stderr, stdout } = await runCommand(command, ["-version"], {
      timeoutMs: ANSWER_WITHIN_MS,
      ...(signal && { signal }),
    });
    const version = /version "([^"]+)"/.exec(stderr + stdout)?.[1] ?? "unknown";
    if (Number.parseInt(version) >= OLDEST) return { command, version };
    return { missing: `${command} is Java ${version}: ${GET_JAVA}` };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof CommandFailure)) throw error;
    // macOS has a java that only says where to get one.
    return { missing: `${command} does not run: ${GET_JAVA}` };
  }
}

/** Maven on PATH, or what is missing and how to get it. */
export async function findMaven(): Promise<{ command: string } | { missing: string }> {
  const command = await findOnPath("mvn", ["/opt/homebrew/bin", path.join("/opt", "maven", "bin")]);
  return command ? { command } : { missing: `there is no Maven: ${GET_MAVEN}` };
}
