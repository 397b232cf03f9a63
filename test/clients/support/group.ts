/** A group of a test's own, for names in it that need not be unique. */
import type { Clients } from "./clients.ts";

let count = 0;

export async function openGroup(clients: Clients): Promise<string> {
  const name = `rg-${++count}`;
  await clients.resources.resourceGroups.createOrUpdate(name, { location: "westeurope" });
  return name;
}

/** What a client's call was refused with, as its own error class has it; undefined when it was not. */
export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ status: number | undefined; code: string | undefined } | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    return { status: statusCode, code };
  }
}
