/**
 * A tenant's services as its storage account sees them: blobs are made, overwritten and deleted all the time, where the
 * tenant's name led to a moment ago. Nothing refuses a late write there, so that some are made after the switch.
 */
import { randomUUID } from "node:crypto";
import type { Container } from "../../commands/demo/container.ts";
import type { Found } from "./ledger.ts";
import { Writer } from "./writer.ts";

/** Where the tenant's blobs are: its own account without a prefix, the shared one with it. */
export interface BlobPlace {
  container: Container;
  prefix: string;
}

export interface BlobWriterOptions {
  /** Looked up again and again; between two looks writes go where the one before led. */
  look: () => Promise<BlobPlace>;
  /** From 0 up to, but not including, 1. */
  random: () => number;
}

/** A blob costs its server as much as a hundred rows. */
const PAUSE_MS = 100;
/** As long as services of the old side might go on by an answer they have kept. */
const LOOK_EVERY_MS = 2_000;
/** More blobs than this are not added to. */
const MANY = 60;
const FOLDER = "entries/";
/** Written on both sides, and put beside the new side's by the move. */
const ASIDE = /\.(shared|own)-\d{8}T\d{6}Z(-\w+)?$/;

export class BlobWriter extends Writer {
  private readonly options: BlobWriterOptions;
  private mayDelete = true;

  constructor(options: BlobWriterOptions) {
    super(PAUSE_MS);
    this.options = options;
  }

  /** From the cutover on a deletion on the old side stays without effect, as docs/azure.md says; so none is made. */
  keepAll(): void {
    this.mayDelete = false;
  }

  /** At one place, until it has to be looked for again. */
  protected async session(changes: (change: () => Promise<void>) => Promise<void>): Promise<void> {
    const place = await this.options.look();
    const until = performance.now() + LOOK_EVERY_MS;
    await changes(async () => {
      if (performance.now() > until) throw new Error("to be looked for again");
      await this.change(place);
    });
  }

  private async change(place: BlobPlace): Promise<void> {
    const { random } = this.options;
    const blobs = this.ledger.changeable();
    const chosen = blobs[Math.floor(random() * blobs.length)];
    const dice = random();
    if (chosen === undefined || (dice < 0.4 && blobs.length < MANY)) await this.put(place, randomUUID(), 0);
    else if (dice < 0.9 || !this.mayDelete) await this.put(place, chosen[0], chosen[1] + 1);
    else await this.send(chosen[0], "delete", () => place.container.remove(nameOf(place, chosen[0])));
  }

  private async put(place: BlobPlace, id: string, version: number): Promise<void> {
    const content = { body: Buffer.from(JSON.stringify({ id, version })), contentType: "application/json" };
    await this.send(id, { version }, () => place.container.put(nameOf(place, id), content));
  }

  private async send(
    id: string,
    wish: { version: number } | "delete",
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      // A status is an answer; without one nobody knows.
      if (error instanceof Error && /: \d{3} /.test(error.message)) {
        this.ledger.refused += 1;
        this.ledger.leave(id);
      } else this.ledger.cutOff(id, wish);
      throw error;
    }
    if (wish === "delete") this.ledger.deleted(id);
    else this.ledger.wrote(id, wish.version);
    this.confirmed();
  }
}

const nameOf = ({ prefix }: BlobPlace, id: string): string => `${prefix}${FOLDER}${id}`;

/** A writer's blobs, without those that were put beside another. */
export async function findBlobs({ container, prefix }: BlobPlace): Promise<Found[]> {
  const names = (await container.list(prefix + FOLDER)).filter((name) => !ASIDE.test(name));
  return await Promise.all(
    names.map(async (name) => {
      const { id, version } = JSON.parse((await container.read(name)).body.toString()) as Found;
      // A blob that stands under another's name is missed under its own.
      return { id: name.endsWith(id) ? id : name, version, copies: 1 };
    }),
  );
}
