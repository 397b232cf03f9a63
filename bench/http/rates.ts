/** Requests per second, taken by turns so that what else the machine does meets both sides. */
import autocannon from "autocannon";
import { processorTimeOf } from "../processes.ts";
import { medianOf } from "../statistics.ts";

export interface Route {
  /** Of the process that answers. */
  pid: number;
  url: string;
  headers: Record<string, string>;
}

export interface Rates {
  /** Medians over the rounds. */
  service: number;
  bare: number;
  rounds: { service: number; bare: number }[];
  /** Medians of the processor time that an answer takes, in microseconds; 0 where it cannot be read. */
  microseconds: { service: number; bare: number };
}

interface Rate {
  perSecond: number;
  microseconds: number;
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
  const taken: { service: Rate; bare: Rate }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    taken.push({ service: await rateOf(service, ROUND_S), bare: await rateOf(bare, ROUND_S) });
  }
  const median = (side: "service" | "bare", figure: keyof Rate) =>
    medianOf(taken.map((round) => round[side][figure]));
  return {
    service: median("service", "perSecond"),
    bare: median("bare", "perSecond"),
    rounds: taken.map((round) => ({ service: round.service.perSecond, bare: round.bare.perSecond })),
    microseconds: { service: median("service", "microseconds"), bare: median("bare", "microseconds") },
  };
}

async function rateOf({ pid, url, headers }: Route, seconds: number): Promise<Rate> {
  const before = processorTimeOf(pid);
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: seconds });
  const answers = result["2xx"];
  if (result.errors + result.non2xx > 0 || answers === 0) {
    throw new Error(`${url}: ${result.errors} errors, ${result.non2xx} refusals, ${answers} answers`);
  }
  return {
    perSecond: result.requests.average,
    microseconds: (processorTimeOf(pid) - before) / answers,
  };
}
