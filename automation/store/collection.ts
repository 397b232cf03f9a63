/** The rules of a collection, the same over every medium: copies out, one change at a time, memory after the write. */
import { createSerial } from "../serial.ts";
import { copyOf, frozen } from "./copy.ts";
import type { Collection } from "./store.ts";

/** What makes changes durable; a rejection leaves the collection as it was. */
export interface Medium<T> {
  write(document: T): Promise<void>;
  erase(id: string): Promise<void>;
}

export function createCollection<T extends { id: string }>(
  kind: string,
  present: Iterable<T>,
  medium: Medium<T>,
): Collection<T> {
  const documents = new Map<string, T>();
  for (const document of present) documents.set(document.id, frozen(document));
  const inTurn = createSerial();

  async function replace(next: T): Promise<T> {
    await medium.write(next);
    documents.set(next.id, frozen(next));
    return copyOf(next);
  }

  return {
    get: (id) => copyOf(documents.get(id)),
    peek: (id) => documents.get(id),
    list: (where = () => true) =>
      [...documents.values()].filter((document) => where(document)).map((document) => copyOf(document)),
    create: (document) =>
      inTurn(document.id, () => {
        if (documents.has(document.id)) throw new Error(`there is already a ${kind} ${document.id}`);
        return replace(copyOf(document));
      }),
    update: (id, change) =>
      inTurn(id, () => {
        const present = documents.get(id);
        if (present === undefined) throw new Error(`there is no ${kind} ${id}`);
        const draft = copyOf(present);
        change(draft);
        if (draft.id !== id) throw new Error(`the id of ${kind} ${id} cannot change`);
        return replace(draft);
      }),
    remove: (id) =>
      inTurn(id, async () => {
        if (!documents.has(id)) return;
        await medium.erase(id);
        documents.delete(id);
      }),
  };
}
