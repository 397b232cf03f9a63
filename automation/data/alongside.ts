/** What of a tenant's moves beside its rows, and is settled by the cutover in their freeze. */

export interface Alongside {
  /** With writes still open: brings over what can be. */
  prepare(): Promise<void>;
  /** With the rows' writes frozen: brings over the rest and answers what differs then. */
  settle(signal: AbortSignal): Promise<Settled>;
  /** Whatever the cutover has ended with. */
  close?(): Promise<void>;
}

export interface Settled {
  /** One sentence each. */
  differences: string[];
  /** The storage service's time at which the blobs' last listing began: what changed after it may not have been seen. */
  blobsAsOf?: string;
}
