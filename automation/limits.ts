import type { TierLimits } from "./model.ts";
import type { Tier } from "../stacks/spec.ts";
import { TIER_TABLE } from "../stacks/tiers.ts";

/** What a tenant may use in a tier, from the tier table. */
export function limitsOf(tier: Tier): TierLimits {
  const { maxUsers, maxConnections, storageGb, apiRatePerMinute, deployment, support, slaPercent } =
    TIER_TABLE[tier];
  return { maxUsers, maxConnections, storageGb, apiRatePerMinute, deployment, support, slaPercent };
}
