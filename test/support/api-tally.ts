/** What was asked of each operation and how it was answered; what the document does not tell of is noted. */
import { createDocument } from "../../api/openapi/document.ts";
import { matchPath } from "../../api/openapi/match.ts";
import { OPERATIONS } from "../../api/openapi/operations.ts";
import { createContract } from "./api-contract.ts";

interface Count {
  asked: number;
  succeeded: number;
  refused: number;
  failed: number;
}

export interface Tally {
  note(method: string, path: string, response: Response): Promise<void>;
  /** A line for each operation, what is wrong, and the sum in the last one. */
  summary(): string[];
  isGood(): boolean;
}

/** Requests to no operation, with another path or method. */
const NONE = "(none)";

export function createTally(): Tally {
  const contract = createContract(createDocument());
  const ids = [...OPERATIONS.map(({ id }) => id), NONE];
  const counts = new Map(
    ids.map((id): [string, Count] => [id, { asked: 0, succeeded: 0, refused: 0, failed: 0 }]),
  );
  const serverErrors: string[] = [];
  const undocumented: string[] = [];
  const neverSucceeded = () =>
    [...counts].flatMap(([id, { succeeded }]) => (id !== NONE && succeeded === 0 ? [id] : []));

  return {
    async note(method, path, response) {
      const operation = matchPath(path)?.operations.find((one) => one.method === method.toLowerCase());
      const count = counts.get(operation?.id ?? NONE) as Count;
      const { status } = response;
      count.asked += 1;
      if (status < 300) count.succeeded += 1;
      else if (status < 500) count.refused += 1;
      else count.failed += 1;
      if (status >= 500) serverErrors.push(`${method} ${path} answered ${status}`);
      await contract
        .check(method, path, response)
        .catch((error: unknown) => undocumented.push((error as Error).message));
    },
    summary() {
      const asked = askedOf(counts.values());
      const missed = neverSucceeded();
      return [
        row("operation", ["asked", "2xx", "4xx", "5xx"]),
        ...[...counts].map(([id, count]) =>
          row(id, [count.asked, count.succeeded, count.refused, count.failed]),
        ),
        ...serverErrors.map((error) => `server error: ${error}`),
        ...undocumented.map((answer) => `undocumented: ${answer}`),
        ...(missed.length === 0 ? [] : [`without any success: ${missed.join(", ")}`]),
        `${asked} cases, ${OPERATIONS.length} operations, ${OPERATIONS.length - missed.length} with success answers; ` +
          `server errors ${serverErrors.length}, undocumented answers ${undocumented.length}`,
      ];
    },
    isGood: () => serverErrors.length + undocumented.length + neverSucceeded().length === 0,
  };
}

const row = (name: string, cells: (string | number)[]): string =>
  name.padEnd(26) + cells.map((cell) => String(cell).padStart(7)).join("");

const askedOf = (counts: Iterable<Count>): number =>
  [...counts].reduce((total, { asked }) => total + asked, 0);
