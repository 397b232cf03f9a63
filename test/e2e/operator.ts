/** The local resource manager as its operator asks it: everything may be read, and plans of faults may be set. */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import type { FaultRule } from "../../local/arm/plans/document.ts";
import type { Installation } from "./installation.ts";

/** A rule as it is written: what it leaves out has its default. */
export interface Rule {
  match: FaultRule["match"];
  effect: { kind: FaultRule["effect"]["kind"]; [member: string]: unknown };
  times?: number;
  skip?: number;
}

export class Operator {
  private readonly installation: Installation;

  constructor(installation: Installation) {
    this.installation = installation;
  }

  /** Every page of a list. */
  async list<T>(path: string, apiVersion: string): Promise<T[]> {
    const found: T[] = [];
    let next: string | undefined = `${path}?api-version=${apiVersion}`;
    while (next !== undefined) {
      const page = (await this.send("GET", next)) as { value: T[]; nextLink?: string };
      found.push(...page.value);
      next = page.nextLink;
    }
    return found;
  }

  /** These plans in the place of all others. */
  async plan(plans: Record<string, Rule>): Promise<void> {
    await this.send("PUT", "/local/plans", { plans });
  }

  /** How often each plan took effect since it was set. */
  async uses(): Promise<Record<string, number>> {
    const { value } = (await this.send("GET", "/local/plans")) as { value: { name: string; uses: number }[] };
    return Object.fromEntries(value.map(({ name, uses }) => [name, uses]));
  }

  private async send(method: string, path: string, body?: unknown): Promise<unknown> {
    const { arm, ca, armTokenFile } = this.installation.endpoints();
    const request = https.request(new URL(path, arm), {
      method,
      ca: readFileSync(ca),
      headers: {
        authorization: `Bearer ${readFileSync(armTokenFile, "utf8").trim()}`,
        "content-type": "application/json",
      },
      signal: AbortSignal.timeout(60_000),
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve).once("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    const answer = await text(response);
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode} ${answer}`);
    return JSON.parse(answer);
  }
}
