/** What a switch has done, shown from outside and written down. */
import { tierliftError } from "../../errors.ts";
import type { CutoverProgress } from "../../model.ts";
import type { PhaseContext } from "./phase.ts";

const DNS_POLL_MS = 500;

/** Asks the zone's servers until every name of the tenant answers with the new address, and nothing else. */
export async function confirmSwitch(
  { tenant, settings, ports, signal }: PhaseContext,
  expected: string,
): Promise<void> {
  const zone = `${tenant.slug}.${settings.zoneName}`;
  const { clock } = ports;
  const deadline = clock.now().getTime() + settings.dnsConfirmationMs;
  for (const name of [zone, `api.${zone}`, `bi.${zone}`, `any.${zone}`]) {
    for (;;) {
      const answers = await ports.resolveDns(name, signal);
      if (answers.length > 0 && answers.every((answer) => answer === expected)) break;
      if (clock.now().getTime() >= deadline) {
        const found = answers.join(", ") || "nothing";
        throw tierliftError("SWITCH_NOT_CONFIRMED", { name, expected, found });
      }
      await clock.sleep(DNS_POLL_MS, signal);
    }
  }
}

/** Writes that the step is done now, so that after a crash it is known to be. */
export async function mark({ remember, ports }: PhaseContext, step: keyof CutoverProgress): Promise<void> {
  await remember(({ cutover }) => {
    cutover[step] = ports.clock.now().toISOString();
  });
}
