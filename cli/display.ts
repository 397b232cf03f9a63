/** Progress on standard error: redrawn in place on a terminal, else as lines. */
import type { ProvisioningStatus, TierliftEvent } from "../automation/model.ts";
import type { Client } from "./client.ts";
import { createTeller, describeRecent } from "./describe.ts";
import { ClientError } from "./errors.ts";
import { renderFrame, type Frame } from "./frame.ts";
import { tell, type Io } from "./io.ts";
import { COLUMNS, fit, wrap } from "./text.ts";
import { pathOf, type Job } from "./watch.ts";

export interface Display {
  /** Shows how it stands before anything happens. */
  begin(): Promise<void>;
  /** To be waited for, so that the order of what is shown is that of the events. */
  show(event: TierliftEvent): Promise<void>;
  /** What the one who watches should know until the next event. */
  note(line: string): void;
  /** Shows the last state and leaves it standing. */
  finish(job: Job | undefined): Promise<void>;
}

export interface DisplayOptions {
  io: Io;
  slug: string;
  /** How the migration stands; undefined when that cannot be told now. */
  read: () => Promise<Pick<Frame, "job" | "progress"> | undefined>;
  /** Shortest time between two readings, or between two lines about resources. */
  everyMs?: number;
}

/** Lines beside documents, and wherever a cursor cannot be moved. */
export function createDisplay(options: DisplayOptions & { json: boolean }): Display {
  const { stderr, env } = options.io;
  const isLive = stderr.isTTY === true && env["TERM"] !== "dumb" && !options.json;
  return isLive ? createLiveDisplay(options) : createPlainDisplay(options);
}

/** Reads a migration and how far it is; watching goes on when that fails. */
export function createReader(client: Client, { id, tenantId }: Job): DisplayOptions["read"] {
  return async () => {
    try {
      const [job, progress] = await Promise.all([
        client.get<Job>(pathOf(id)),
        client.get<ProvisioningStatus>(`/api/v1/tenants/${tenantId}/provisioning/status`),
      ]);
      return { job, progress: progress.migrationId === id ? progress : undefined };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return undefined;
    }
  };
}

const REDRAW_MS = 500;

export function createLiveDisplay({ io, slug, read, everyMs = 1_000 }: DisplayOptions): Display {
  const { stderr } = io;
  const shown: Partial<Frame> & { recent: string; notice: string } = { recent: "", notice: "" };
  let height = 0;
  let readAt = -Infinity;

  function draw(): void {
    if (shown.job === undefined) return;
    const lines = renderFrame({ ...shown, slug, job: shown.job, now: io.now() }, columnsOf(io));
    // What has left the screen at its top cannot be drawn over.
    const visible = lines.slice(-Math.max(1, (stderr.rows ?? 50) - 1));
    const up = height === 0 ? "" : `\u001b[${height}A`;
    stderr.write(`${up}\r${visible.map((line) => `\u001b[2K${line}\n`).join("")}\u001b[J`);
    height = visible.length;
  }

  async function refresh(): Promise<void> {
    readAt = io.now().getTime();
    Object.assign(shown, await read());
    draw();
  }

  const timer = setInterval(draw, REDRAW_MS).unref();
  return {
    begin: refresh,
    async show(event) {
      shown.notice = "";
      shown.recent = describeRecent(event) ?? shown.recent;
      if (event.type === "phase" || io.now().getTime() - readAt >= everyMs) await refresh();
    },
    note(line) {
      shown.notice = line;
      draw();
    },
    async finish(job) {
      clearInterval(timer);
      shown.recent = "";
      shown.notice = "";
      if (job !== undefined) await refresh();
      else draw();
    },
  };
}

const PLAIN_EVERY_MS = 10_000;

export function createPlainDisplay({ io, slug, read, everyMs = PLAIN_EVERY_MS }: DisplayOptions): Display {
  const lineOf = createTeller();
  let toldAt = io.now().getTime();
  const write = (line: string) => tell(io, ...wrap(line));

  async function percentageAfter({ type, data }: TierliftEvent): Promise<string> {
    if (type !== "phase" || data["state"] !== "done") return "";
    const { progress } = (await read()) ?? {};
    return progress === undefined ? "" : `, ${progress.percentage} %`;
  }

  async function tellCounts(event: TierliftEvent): Promise<void> {
    const recent = describeRecent(event);
    if (recent === undefined || io.now().getTime() - toldAt < everyMs) return;
    toldAt = io.now().getTime();
    const { progress } = (await read()) ?? {};
    if (progress === undefined) return;
    const { percentage, resourcesDone, resourcesPlanned } = progress;
    const counts = `        ${percentage} %, ${resourcesDone} of ${resourcesPlanned} resources; ${recent}`;
    tell(io, fit(counts, COLUMNS));
  }

  return {
    begin: () => Promise.resolve(),
    async show(event) {
      const line = lineOf(event);
      if (line === undefined) return tellCounts(event);
      toldAt = io.now().getTime();
      if (event.type === "status") write(`${slug} is ${line}`);
      else write(`${line}${await percentageAfter(event)}`);
    },
    note: write,
    finish: () => Promise.resolve(),
  };
}

const columnsOf = ({ stderr }: Io): number => Math.min(stderr.columns ?? COLUMNS, COLUMNS);
