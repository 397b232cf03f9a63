import { constants } from "node:fs";
import { access } from "node:fs/promises";
import path from "node:path";

/** The first executable of that name on PATH, then in `others`. */
export async function findOnPath(name: string, others: string[] = []): Promise<string | undefined> {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  for (const folder of [...folders, ...others]) {
    const file = path.join(folder, name);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}
