/**
 * What a tenant's stack is asked to declare. The program is a pure function of this value: a migration is a walk
 * of it, one `up` for each step, so that every step can be previewed and compared.
 */
import { z } from "zod";

export const TIERS = ["FREE", "STARTER", "PROFESSIONAL", "ENTERPRISE"] as const;
export type Tier = (typeof TIERS)[number];
export type SharedTier = Extract<Tier, "FREE" | "STARTER">;
export type DedicatedTier = Extract<Tier, "PROFESSIONAL" | "ENTERPRISE">;

/** The parts of the dedicated footprint in the order in which they are added; a spec holds a prefix of it. */
export const LAYERS = [
  "infrastructure",
  "kubernetes",
  "services",
  "ingress",
  "data",
  "observability",
] as const;
export type Layer = (typeof LAYERS)[number];

const sharedTier = z.enum(["FREE", "STARTER"]);
const dedicatedTier = z.enum(["PROFESSIONAL", "ENTERPRISE"]);

const tenantSchema = z.strictObject({
  id: z.uuid(),
  slug: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/, "3 to 63 lower-case letters, digits and hyphens"),
  name: z.string().min(1),
  /** Azure region of everything that is the tenant's own, for example `westeurope`. */
  region: z.string().min(1),
});

const prefixOfLayers = z
  .array(z.enum(LAYERS))
  .refine((layers) => layers.every((layer, index) => layer === LAYERS[index]), "layers are added in order");

export const tenantSpecSchema = z.strictObject({
  kind: z.literal("tenant"),
  tenant: tenantSchema,
  /** The tenant's part of the shared cluster, or null when it has none. */
  slice: z.strictObject({ tier: sharedTier }).nullable(),
  /** The tenant's own infrastructure, or null when it has none. */
  dedicated: z
    .strictObject({
      tier: dedicatedTier,
      layers: prefixOfLayers,
      /** The migration that made it: a tag on every resource and the trigger of the data commands. */
      migrationId: z.string().min(1),
      clientId: z.string().min(1),
      azureTenantId: z.string().min(1),
      subscriptionId: z.string().min(1),
    })
    .nullable(),
  /** Where the tenant's records `@`, `*`, `api` and `bi` point. */
  route: z.enum(["slice", "dedicated"]),
  /** Whether `next` and `*.next` stand; they need the dedicated ingress. */
  next: z.boolean(),
  /** Time to live of the tenant's records, in seconds. */
  recordTtlSeconds: z.int().min(1),
});
export type TenantSpec = z.infer<typeof tenantSpecSchema>;

export const platformSpecSchema = z.strictObject({
  kind: z.literal("platform"),
  /** The zone that tenants' zones are delegated from, for example `matih.ai`. */
  zoneName: z.string().min(1),
  region: z.string().min(1),
});
export type PlatformSpec = z.infer<typeof platformSpecSchema>;
export type StackSpec = TenantSpec | PlatformSpec;

/**
 * What a program needs besides its spec and what must never be on a command line: it reaches the program through
 * its closure (or the pulumi command line's secret configuration) and is marked secret before it enters a resource.
 */
export interface ProgramSecrets {
  /** From which generated passwords are derived: the same seed gives the same passwords on every run. */
  passwordSeed: string;
  /** The tenant's service principal's secret; needed while `dedicated` is not null. */
  clientSecret?: string;
  /** The certificate of the tenant's hosts, when certificates are not issued in the cluster. */
  tls?: { certificatePem: string; privateKeyPem: string };
}

/** Stores that a cloud may do without: their servers are optional parts of the local one. */
export const OPTIONAL_STORES = ["cache", "kafka"] as const;
export type OptionalStore = (typeof OPTIONAL_STORES)[number];

/** How the programs reach their clouds; the same for every stack of one installation. */
/** With the earliest record, or with the one that the group would have read next in the shared namespace. */
export const CONSUMER_OFFSETS = ["earliest", "same-record"] as const;
export type ConsumerOffsets = (typeof CONSUMER_OFFSETS)[number];

export interface ProgramSettings {
  /** `host:port` that answers `/metadata/endpoints`, when it is not public Azure. */
  metadataHost?: string;
  /** The platform's own subscription: shared cluster, parent zone, tenants' zones. */
  platform: {
    clientId?: string;
    azureTenantId?: string;
    subscriptionId: string;
    useDefaultCredential: boolean;
  };
  /** The platform principal's secret; absent when the ambient credential is used. */
  platformClientSecret?: string;
  images: { registry: string; tag: string };
  /** No server stands behind these: nothing is moved to or from them. Azure has all. */
  absentStores?: OptionalStore[];
  /** Where the tenant's consumer groups begin in its own event namespace; `earliest` by default. */
  consumerOffsets?: ConsumerOffsets;
  /** The cert-manager issuer to ask for certificates where no `tls` is handed in. */
  certificateIssuer?: string;
  /** The command that runs this project's data mover, for example `["node", "--import", "tsx", ".../main.ts"]`. */
  dataCommand: string[];
  /** Name of the platform's stack as a stack reference wants it, `organization/tierlift/platform`. */
  platformStack: string;
}

/** One program run: what `stacks/program.ts` turns into a Pulumi program. */
/** What is called on the way through a program that is applied; a preview calls none. */
export interface ProgramHooks {
  /** Once all of a tenant stands but its records, which wait for it. */
  beforeSwitch?: () => Promise<void>;
}

export interface ProgramRequest {
  spec: StackSpec;
  secrets: ProgramSecrets;
  settings: ProgramSettings;
}
