/** The local directory: tenants, their service principals with secrets, and subscriptions. */
import { randomBytes, randomUUID } from "node:crypto";
import { readJsonFile, writeFileDurably } from "../durable.ts";
import { principalSeeds } from "./principals.ts";
import type { PrincipalSeed } from "./principals.ts";

export interface DirectoryPrincipal {
  name: string;
  purpose: string;
  clientId: string;
  objectId: string;
  tenantId: string;
  /** A domain name of its directory, by which it may be asked as well. */
  tenantName?: string;
  /** What the token endpoint accepts; after `expiresAt` it refuses with its own code. */
  secret: { value: string; expiresAt: string };
  /** The secret's name in the platform's vault, and what the vault holds under it. */
  reference: { name: string; value: string };
  subscriptionId: string;
  /** Ids of built-in roles it holds on its subscription from the start. */
  roles: string[];
}

export interface Subscription {
  id: string;
  name: string;
  tenantId: string;
  unregistered: string[];
  /** Regional limit of cores (vCPUs). */
  coreLimit: number;
}

interface DirectoryFile {
  version: 1;
  principals: DirectoryPrincipal[];
  subscriptions: Subscription[];
}

/** Far more than a demo needs: quota is not what a good subscription fails on. */
const plentyOfCores = 1000;
const yearMs = 365 * 24 * 3600 * 1000;

export class Directory {
  readonly #file: string;
  readonly #content: DirectoryFile;
  /** True when it was made just now: what hangs on it (assignments, references) must be made as well. */
  readonly isNew: boolean;

  /** Reads `file` (mode 0600), or makes principals with random ids and secrets. `save` writes a new one. */
  constructor(file: string) {
    this.#file = file;
    const stored = readJsonFile<DirectoryFile>(file);
    this.isNew = stored === undefined;
    this.#content = stored ?? createContent();
  }

  save(): void {
    writeFileDurably(this.#file, `${JSON.stringify(this.#content, null, 2)}\n`);
  }

  get principals(): readonly DirectoryPrincipal[] {
    return this.#content.principals;
  }

  get subscriptions(): readonly Subscription[] {
    return this.#content.subscriptions;
  }

  /** By its name in the table of principals; throws when the table has none. */
  principal(name: string): DirectoryPrincipal {
    const found = this.principals.find((principal) => principal.name === name);
    if (found === undefined) throw new Error(`the local directory has no principal ${name}`);
    return found;
  }

  subscription(id: string): Subscription | undefined {
    return this.subscriptions.find((subscription) => subscription.id.toLowerCase() === id.toLowerCase());
  }

  hasTenant(id: string): boolean {
    return this.principals.some((principal) => isNamed(principal, id));
  }

  /** An application as the token endpoint looks it up: within one tenant. */
  application(tenantId: string, clientId: string): DirectoryPrincipal | undefined {
    return this.principals.find((one) => isNamed(one, tenantId) && one.clientId === clientId);
  }

  register(subscription: Subscription, namespace: string): void {
    const left = subscription.unregistered.filter((one) => one.toLowerCase() !== namespace.toLowerCase());
    if (left.length === subscription.unregistered.length) return;
    subscription.unregistered = left;
    this.save();
  }
}

function createContent(): DirectoryFile {
  const platformTenant = randomUUID();
  const tenantsTenant = randomUUID();
  const content: DirectoryFile = { version: 1, principals: [], subscriptions: [] };
  for (const seed of principalSeeds) {
    const tenantId = seed.name === "tierlift-platform" ? platformTenant : tenantsTenant;
    const principal = createPrincipal(seed, tenantId);
    content.principals.push(principal);
    if (seed.subscription === "absent") continue;
    content.subscriptions.push({
      id: principal.subscriptionId,
      name: `subscription of ${seed.name}`,
      tenantId,
      unregistered: [...(seed.unregistered ?? [])],
      coreLimit: seed.coreLimit ?? plentyOfCores,
    });
  }
  return content;
}

/** A directory answers to its id and to its domain names. */
const isNamed = ({ tenantId, tenantName }: DirectoryPrincipal, name: string): boolean =>
  tenantId === name || tenantName === name;

function createPrincipal(seed: PrincipalSeed, tenantId: string): DirectoryPrincipal {
  const value = randomBytes(30).toString("base64url");
  const expiresAt = new Date(Date.now() + (seed.secret === "expired" ? -1 : 10) * yearMs).toISOString();
  return {
    name: seed.name,
    purpose: seed.purpose,
    clientId: seed.ids?.clientId ?? randomUUID(),
    objectId: randomUUID(),
    tenantId,
    ...(seed.ids === undefined ? {} : { tenantName: seed.ids.tenantName }),
    secret: { value, expiresAt },
    reference: {
      name: seed.reference ?? `${seed.name}-secret`,
      value: seed.secret === "wrong" ? randomBytes(30).toString("base64url") : value,
    },
    subscriptionId: seed.ids?.subscriptionId ?? randomUUID(),
    roles: seed.roles.map((definition) => definition.id),
  };
}
