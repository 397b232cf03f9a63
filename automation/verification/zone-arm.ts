/** A tenant's zone as the platform's subscription lists it. */
import { z } from "zod";
import { ArmError } from "../azure/arm.ts";
import type { ArmClient } from "../azure/arm.ts";
import type { InventoryContext } from "../ports.ts";
import { platformOf } from "./shared.ts";

const DNS_API = "2018-05-01";
const NEXT_NAMES: readonly string[] = ["next", "*.next"];

export interface ZoneReader {
  /** Ids of the `next.` records. */
  nextRecords(context: InventoryContext): Promise<string[]>;
  /** The id of the tenant's zone, when there is one. */
  zones(context: InventoryContext): Promise<string[]>;
  /** Deletes the `next.` records and answers their ids. */
  removeNext(context: InventoryContext): Promise<string[]>;
}

const recordSet = z.object({ id: z.string(), name: z.string() });

export function createZoneReader(
  arm: ArmClient,
  { platformSubscriptionId, zoneName }: { platformSubscriptionId: string; zoneName: string },
): ZoneReader {
  const zoneOf = ({ tenant, platformOutputs }: InventoryContext): string => {
    const group = platformOf(platformOutputs).zoneResourceGroup;
    return `/subscriptions/${platformSubscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/dnsZones/${tenant.slug}.${zoneName}`;
  };
  const reader: ZoneReader = {
    nextRecords: (context) =>
      unlessMissing(async () => {
        const found = await arm.list(`${zoneOf(context)}/recordsets`, DNS_API, context.signal);
        return z
          .array(recordSet)
          .parse(found)
          .filter(({ name }) => NEXT_NAMES.includes(name))
          .map(({ id }) => id);
      }),
    zones: (context) =>
      unlessMissing(async () => {
        await arm.get(zoneOf(context), DNS_API, context.signal);
        return [zoneOf(context)];
      }),
    async removeNext(context) {
      const records = await reader.nextRecords(context);
      for (const id of records) await arm.remove(id, DNS_API, context.signal);
      return records;
    },
  };
  return reader;
}

async function unlessMissing(ask: () => Promise<string[]>): Promise<string[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ArmError && error.status === 404) return [];
    throw error;
  }
}
