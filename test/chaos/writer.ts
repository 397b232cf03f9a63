/** Somebody who changes things all the time and keeps account of what was confirmed. */
import { setTimeout as sleep } from "node:timers/promises";
import { Ledger } from "./ledger.ts";

/** How often a resting writer looks whether it may go on. */
const PAUSE_MS = 10;
/** After a failure: a client that does not wait would only burn the machine. */
const RETRY_MS = 50;

/** A writer that works in sessions, each until something fails; it begins at once. */
export abstract class Writer {
  readonly ledger = new Ledger();
  /** Longest time in ms between two confirmed changes. */
  longestGapMs = 0;
  private lastAt = performance.now();
  private readonly pauseMs: number;
  private isOver = false;
  private isPaused = false;
  private isResting = false;
  private readonly running: Promise<void>;

  /** `pauseMs` is the time between two changes. */
  protected constructor(pauseMs: number) {
    this.pauseMs = pauseMs;
    // Not before the whole object is there.
    this.running = Promise.resolve().then(() => this.run());
  }

  /** What it was doing is finished or cut off when it resolves. */
  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  /** Nothing is under way once it resolves, until `resume`. */
  async pause(): Promise<void> {
    this.isPaused = true;
    while (!this.isResting && !this.isOver) await sleep(PAUSE_MS);
  }

  resume(): void {
    this.isPaused = false;
    this.forgetGaps();
  }

  /** Forgets gaps so far, such as those of a server that was killed on purpose. */
  forgetGaps(): void {
    this.longestGapMs = 0;
    this.lastAt = performance.now();
  }

  /** Changes things by `change` until the session is over or something fails. */
  protected abstract session(changes: (change: () => Promise<void>) => Promise<void>): Promise<void>;

  /** To be told at each confirmed change. */
  protected confirmed(): void {
    const now = performance.now();
    this.longestGapMs = Math.max(this.longestGapMs, now - this.lastAt);
    this.lastAt = now;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      await this.rest();
      await this.session((change) => this.repeat(change)).catch(() => sleep(RETRY_MS));
    }
  }

  private async repeat(change: () => Promise<void>): Promise<void> {
    while (!this.isOver) {
      await this.rest();
      await change();
      await sleep(this.pauseMs);
    }
  }

  private async rest(): Promise<void> {
    this.isResting = this.isPaused;
    while (this.isPaused && !this.isOver) await sleep(PAUSE_MS);
    this.isResting = false;
  }
}
