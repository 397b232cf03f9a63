/** Where the service keeps what must outlive it. Two implementations, one contract: files and memory. */
import type {
  AuditEntry,
  MigrationRecord,
  Operation,
  StoredAnswer,
  TenantRecord,
  TierliftEvent,
} from "../model.ts";

/**
 * Documents of one kind. Reads answer from memory, with copies: changing what was read changes nothing.
 * A write is durable when its promise resolves; changes of one document are made one after the other.
 */
export interface Collection<T extends { id: string }> {
  get(id: string): T | undefined;
  /** For what is read often and only read: the document itself, frozen, the same object until it is changed. */
  peek(id: string): Readonly<T> | undefined;
  list(where?: (document: Readonly<T>) => boolean): T[];
  /** Rejects when the id is taken. */
  create(document: T): Promise<T>;
  /**
   * `change` edits a copy of the present document. When it throws, or the write fails, the document stays as it was
   * and the promise rejects. Rejects when there is no such document.
   */
  update(id: string, change: (draft: T) => void): Promise<T>;
  /** Does nothing when there is no such document. */
  remove(id: string): Promise<void>;
}

/** Append-only entries under a key (a tenant's or a migration's id); an append costs the same however many there are. */
export interface Logs<T> {
  /** Durable when the promise resolves; entries appended together or one after the other stay in order. */
  append(key: string, entries: T[]): Promise<void>;
  read(key: string): Promise<T[]>;
  last(key: string): Promise<T | undefined>;
}

/** Large values, written once and read seldom, kept out of documents that are rewritten at every step. */
export interface Artifacts {
  put(key: string, value: unknown): Promise<void>;
  get(key: string): Promise<unknown>;
}

export interface Store {
  tenants: Collection<TenantRecord>;
  migrations: Collection<MigrationRecord>;
  operations: Collection<Operation>;
  answers: Collection<StoredAnswer>;
  audit: Logs<AuditEntry>;
  events: Logs<TierliftEvent>;
  artifacts: Artifacts;
  /** Finishes the writes under way and lets go of the data folder. */
  close(): Promise<void>;
}
