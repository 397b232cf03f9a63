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
  /** Median of the rounds' own ratios: both sides of a round meet the same machine. */
  ratio: number;
  /** Medians over the rounds. */
  perSecond: Sides;
  /** Processor time that an answer takes, in microseconds; 0 where it cannot be read. */
  microseconds: Sides;
  /** How much of one processor the load generator takes. Near 1 it is the generator that bounds the rate. */
  generatorLoad: Sides;
  rounds: Sides[];
}

export interface Sides {
  service: number;
  bare: number;
}

interface Rate {
  perSecond: number;
  microseconds: number;
  generatorLoad: number;
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
  const sides = (figure: keyof Rate): Sides => ({
    service: medianOf(taken.map(({ service: rate }) => rate[figure])),
    bare: medianOf(taken.map(({ bare: rate }) => rate[figure])),
  });
  return {
    ratio: medianOf(taken.map((round) => round.service.perSecond / round.bare.perSecond)),
    perSecond: sides("perSecond"),
    microseconds: sides("microseconds"),
    generatorLoad: sides("generatorLoad"),
    rounds: taken.map((round) => ({ service: round.service.perSecond, bare: round.bare.perSecond })),
  };
}

async function rateOf({ pid, url, headers }: Route, seconds: number): Promise<Rate> {
  const before = processorTimeOf(pid);
  const ownBefore = process.cpuUsage();
  const startedAt = performance.now();
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: seconds });
  const own = process.cpuUsage(ownBefore);
  const elapsed = (performance.now() - startedAt) * 1000;
  const answers = result["2xx"];
  if (result.errors + result.non2xx > 0 || answers === 0) {
    throw new Error(`${url}: ${result.errors} errors, ${result.non2xx} refusals, ${answers} answers`);
  }
  return {
    perSecond: result.requests.average,
    microseconds: (processorTimeOf(pid) - before) / answers,
    generatorLoad: (own.user + own.system) / elapsed,
  };
}
