/** What a writer knows of its rows: which versions of each may be there after what the servers answered. */

/** A row as it is in a table, and how often. */
export interface Found {
  id: string;
  version: number;
  copies: number;
}

interface Entry {
  /** Versions that may be there: more than one when a change was cut off before its answer. */
  versions: Set<number>;
  /** Whether the row may be missing: deleted, or its deletion or insertion was cut off. */
  mayBeAbsent: boolean;
}

export class Ledger {
  private readonly entries = new Map<string, Entry>();
  /** Rows whose last change was answered: only those are changed further. */
  private readonly settled = new Map<string, number>();
  /** Confirmed changes. */
  acknowledged = 0;
  /** Changes that the server refused: it says that it made none. */
  refused = 0;
  /** Changes whose answer never came. */
  unknown = 0;

  /** Rows that may be changed, in the order of their last change. */
  changeable(): [id: string, version: number][] {
    return [...this.settled];
  }

  /** The server confirmed that the row has the version. */
  wrote(id: string, version: number): void {
    this.acknowledged += 1;
    this.entries.set(id, { versions: new Set([version]), mayBeAbsent: false });
    this.settled.delete(id);
    this.settled.set(id, version);
  }

  /** The server confirmed that the row is gone. */
  deleted(id: string): void {
    this.acknowledged += 1;
    this.entries.set(id, { versions: new Set(), mayBeAbsent: true });
    this.settled.delete(id);
  }

  /** The connection ended before the answer: the row is as before or as wished, and is left alone from here on. */
  cutOff(id: string, wish: { version: number } | "delete"): void {
    this.unknown += 1;
    const entry = this.entries.get(id) ?? { versions: new Set(), mayBeAbsent: true };
    if (wish === "delete") entry.mayBeAbsent = true;
    else entry.versions.add(wish.version);
    this.entries.set(id, entry);
    this.settled.delete(id);
  }

  /** The row is not changed again; it has to be as it was confirmed. */
  leave(id: string): void {
    this.settled.delete(id);
  }

  /** Every row that is not as it has to be, in words; empty when all of them are. */
  differences(found: readonly Found[]): string[] {
    const wrong: string[] = [];
    const there = new Map(found.map((row) => [row.id, row]));
    for (const [id, { versions, mayBeAbsent }] of this.entries) {
      const row = there.get(id);
      const wanted = [...versions, ...(mayBeAbsent ? ["absent"] : [])].join(" or ");
      if (row === undefined) {
        if (!mayBeAbsent) wrong.push(`${id} is missing, should be ${wanted}`);
      } else if (row.copies !== 1) {
        wrong.push(`${id} is there ${row.copies} times`);
      } else if (!versions.has(row.version)) {
        wrong.push(`${id} is ${row.version}, should be ${wanted}`);
      }
    }
    for (const { id } of found) if (!this.entries.has(id)) wrong.push(`${id} was never written`);
    return wrong;
  }
}
