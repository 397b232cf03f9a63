/** The project's documents, as tests look at them. */
import { readdir } from "node:fs/promises";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "..", "..");

/** Paths of all Markdown files of the project's own, from its root. */
export async function listDocuments(): Promise<string[]> {
  const found: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
      if (entry.name === "node_modules" || entry.name.startsWith(".")) continue;
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) await look(name);
      else if (entry.name.endsWith(".md")) found.push(name);
    }
  };
  await look("");
  return found.sort();
}

/** What GitHub calls a heading in an address: lower case, hyphens for spaces, without other signs. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}
