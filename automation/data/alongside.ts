/** What of a tenant's moves beside its rows, and is settled by a cutover or a return in their freeze. */

export interface Alongside {
  /** With writes still open: brings over what can be. */
  prepare(): Promise<void>;
  /** With the rows' writes frozen: brings over the rest and answers what differs then. */
  settle(signal: AbortSignal): Promise<Settled>;
  /** With the rows' writes frozen and nothing different: what is written from now on will be brought back. */
  startReverse?(): Promise<void>;
  /** Whatever the cutover has ended with. */
  close?(): Promise<void>;
}

export interface Settled {
  /** One sentence each. */
  differences: string[];
  /** The storage service's time at which the blobs' last listing began: what changed after it may not have been seen. */
  blobsAsOf?: string;
}

/** Several as one: each is prepared, settled and closed at the same time as the others. */
export function joinAlongside(others: readonly Alongside[]): Alongside {
  return {
    prepare: async () => void (await Promise.all(others.map((other) => other.prepare()))),
    settle: async (signal) => {
      const settled = await Promise.all(others.map((other) => other.settle(signal)));
      const differences = settled.flatMap((one) => one.differences);
      return settled.reduce((whole, one) => ({ ...whole, ...one, differences }), { differences });
    },
    startReverse: async () => void (await Promise.all(others.map(async (other) => other.startReverse?.()))),
    close: async () => void (await Promise.all(others.map(async (other) => other.close?.()))),
  };
}
