/** Secrets of the vaults: every version kept, encrypted on disk with a key of the local cloud's own. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileDurably } from "../durable.ts";
import { idKey } from "../path.ts";

export interface SecretVersion {
  /** 32 hexadecimal digits. */
  version: string;
  value: string;
  contentType?: string | undefined;
  /** What the client set: `enabled`, `nbf`, `exp`. */
  attributes: Record<string, unknown>;
  tags: Record<string, unknown>;
  /** Seconds since 1970, as the data plane has them. */
  created: number;
  updated: number;
}

export interface StoredSecret {
  name: string;
  /** The current one last. */
  versions: SecretVersion[];
  /** Seconds since 1970; present while soft-deleted. */
  deletedDate?: number;
  scheduledPurgeDate?: number;
}

export type NewSecret = Pick<SecretVersion, "value" | "contentType" | "attributes" | "tags">;

interface VaultFile {
  vaultId: string;
  secrets: StoredSecret[];
}

const now = (): number => Math.floor(Date.now() / 1000);

export class VaultSecrets {
  readonly #folder: string;
  readonly #key: Buffer;
  readonly #vaults = new Map<string, Map<string, StoredSecret>>();

  /** Reads the vaults' files in a folder. Throws, naming the file, if one is damaged. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#key = readOrCreateKey(join(folder, "key"));
    for (const name of readdirSync(folder).filter((one) => one.endsWith(".vault"))) {
      const file = this.#decrypt(join(folder, name));
      this.#vaults.set(
        idKey(file.vaultId),
        new Map(file.secrets.map((one) => [one.name.toLowerCase(), one])),
      );
    }
  }

  /** Adds a version, and the secret with it if there is none. */
  set(vaultId: string, name: string, secret: NewSecret): SecretVersion {
    const version = { version: randomBytes(16).toString("hex"), ...secret, created: now(), updated: now() };
    const stored = this.#find(vaultId, name);
    const versions = [...(stored?.versions ?? []), version];
    this.#change(vaultId, { name: stored?.name ?? name, versions });
    return version;
  }

  get(vaultId: string, name: string): StoredSecret | undefined {
    const secret = this.#find(vaultId, name);
    return secret?.deletedDate === undefined ? secret : undefined;
  }

  current(vaultId: string, name: string): SecretVersion | undefined {
    return this.get(vaultId, name)?.versions.at(-1);
  }

  deleted(vaultId: string, name: string): StoredSecret | undefined {
    const secret = this.#find(vaultId, name);
    return secret?.deletedDate === undefined ? undefined : secret;
  }

  list(vaultId: string): StoredSecret[] {
    return [...(this.#vaults.get(idKey(vaultId))?.values() ?? [])];
  }

  /** Soft-deletes: the name stays taken until it is recovered or purged. */
  delete(vaultId: string, name: string, retentionDays: number): StoredSecret | undefined {
    const secret = this.get(vaultId, name);
    if (secret === undefined) return undefined;
    const gone = { ...secret, deletedDate: now(), scheduledPurgeDate: now() + retentionDays * 24 * 3600 };
    this.#change(vaultId, gone);
    return gone;
  }

  recover(vaultId: string, name: string): StoredSecret | undefined {
    const secret = this.deleted(vaultId, name);
    if (secret === undefined) return undefined;
    const back = { name: secret.name, versions: secret.versions };
    this.#change(vaultId, back);
    return back;
  }

  /** Replaces the attributes, content type or tags of a version; its value stays. */
  update(
    vaultId: string,
    name: string,
    version: string,
    change: Partial<Omit<NewSecret, "value">>,
  ): SecretVersion | undefined {
    const secret = this.get(vaultId, name);
    const found = secret?.versions.find((one) => one.version === version);
    if (secret === undefined || found === undefined) return undefined;
    const changed = { ...found, ...change, updated: now() };
    this.#change(vaultId, {
      ...secret,
      versions: secret.versions.map((one) => (one === found ? changed : one)),
    });
    return changed;
  }

  purge(vaultId: string, name: string): void {
    const vault = this.#vaults.get(idKey(vaultId));
    if (vault?.delete(name.toLowerCase())) this.#save(vaultId, vault);
  }

  /** Forgets a vault's secrets for good. */
  purgeVault(vaultId: string): void {
    this.#vaults.delete(idKey(vaultId));
    rmSync(this.#file(vaultId), { force: true });
  }

  #find(vaultId: string, name: string): StoredSecret | undefined {
    return this.#vaults.get(idKey(vaultId))?.get(name.toLowerCase());
  }

  #change(vaultId: string, secret: StoredSecret): void {
    const vault = new Map(this.#vaults.get(idKey(vaultId)) ?? []);
    vault.set(secret.name.toLowerCase(), secret);
    this.#save(vaultId, vault);
    this.#vaults.set(idKey(vaultId), vault);
  }

  #file(vaultId: string): string {
    const hash = createHash("sha256").update(idKey(vaultId)).digest("hex").slice(0, 20);
    return join(this.#folder, `${hash}.vault`);
  }

  #save(vaultId: string, vault: Map<string, StoredSecret>): void {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const text = JSON.stringify({ vaultId, secrets: [...vault.values()] } satisfies VaultFile);
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    const content = Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
    writeFileDurably(this.#file(vaultId), `${content}\n`);
  }

  #decrypt(file: string): VaultFile {
    const content = Buffer.from(readFileSync(file, "utf8"), "base64");
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, content.subarray(0, 12));
      decipher.setAuthTag(content.subarray(12, 28));
      const text = Buffer.concat([decipher.update(content.subarray(28)), decipher.final()]).toString("utf8");
      return JSON.parse(text) as VaultFile;
    } catch (error) {
      throw new Error(`${file} is damaged or was made with another key: move it away to start without it`, {
        cause: error,
      });
    }
  }
}

function readOrCreateKey(file: string): Buffer {
  try {
    return Buffer.from(readFileSync(file, "utf8"), "base64");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = randomBytes(32);
  writeFileDurably(file, key.toString("base64"));
  return key;
}
