/** Requests per second, taken by turns so that what else the machine does meets both sides. */
import autocannon from "autocannon";
import { medianOf } from "../statistics.ts";

export interface Route {
  url: string;
  headers: Record<string, string>;
}

export interface Rates {
  /** Medians over the rounds. */
  service: number;
  bare: number;
  rounds: { service: number; bare: number }[];
}

const CONNECTIONS = 32;
const WARM_UP_S = 2;
const ROUND_S = 3;

/** Rejects when any request is answered with anything but a 2xx: a refusal is fast, and no rate. */
export async function measureRates(
  { service, bare }: { service: Route; bare: Route },
  rounds: number,
): Promise<Rates> {
  await rateOf(service, WARM_UP_S);
  await rateOf(bare, WARM_UP_S);
  const taken: Rates["rounds"] = [];
  for (let round = 0; round < rounds; round += 1) {
    taken.push({ service: await rateOf(service, ROUND_S), bare: await rateOf(bare, ROUND_S) });
  }
  return {
    service: medianOf(taken.map((round) => round.service)),
    bare: medianOf(taken.map((round) => round.bare)),
    rounds: taken,
  };
}

async function rateOf({ url, headers }: Route, seconds: number): Promise<number> {
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: seconds });
  if (result.errors + result.non2xx > 0 || result["2xx"] === 0) {
    throw new Error(`${url}: ${result.errors} errors, ${result.non2xx} refusals, ${result["2xx"]} answers`);
  }
  return result.requests.average;
}
