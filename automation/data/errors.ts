/** Why a data command fails, for the operator: what, in which database and table, at which blob or in which topic. */

/** Exit codes by reason; 1 is a bug, 130 and 143 are signals. */
export const EXIT_CODES = {
  BAD_REQUEST: 2,
  MISMATCH: 3,
  DATABASE: 4,
  REFUSED: 5,
  FREEZE_BUDGET: 6,
  STORAGE: 7,
  LAG: 8,
  BROKER: 9,
  CACHE: 10,
  CANCELLED: 143,
} as const;
export type DataErrorCode = keyof typeof EXIT_CODES;

export interface Place {
  database?: string;
  table?: string;
  blob?: string;
  topic?: string;
  partition?: number;
  group?: string;
  side?: "source" | "target";
}

export class DataError extends Error {
  readonly code: DataErrorCode;
  readonly place: Place;

  constructor(code: DataErrorCode, message: string, place: Place = {}, options?: ErrorOptions) {
    super(placed(message, place), options);
    this.name = "DataError";
    this.code = code;
    this.place = place;
  }
}

function placed(message: string, place: Place): string {
  const { side, database, table, blob, topic, partition, group } = place;
  const where = [side, database, table, blob, topic, partition, group]
    .filter((part) => part !== undefined)
    .join(" / ");
  return where ? `${where}: ${message}` : message;
}

/** What PostgreSQL and the network say, without `detail`, `where` and `hint`: those can hold a tenant's values. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  const extras = [
    typeof code === "string" ? code : undefined,
    typeof constraint === "string" ? `constraint ${constraint}` : undefined,
  ].filter((extra) => extra !== undefined);
  const message = error.message || error.name;
  return extras.length > 0 ? `${message} (${extras.join(", ")})` : message;
}

/** Runs `work` and says where it failed. */
export async function at<T>(place: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError("DATABASE", describeFailure(error), place, { cause: error });
  }
}
