import pg from "pg";
import { badRequest, notFound } from "../arm/errors.ts";
import type { PostgresServer } from "./server.ts";

/** Parameters of Azure's own: kept and answered. Only `require_secure_transport` does something here. */
const azureOnly: Record<string, { defaultValue: string; dataType: string; allowedValues: string }> = {
  require_secure_transport: { defaultValue: "off", dataType: "Boolean", allowedValues: "on,off" },
  "azure.extensions": { defaultValue: "", dataType: "Set", allowedValues: "" },
  "azure.accepted_password_auth_method": {
    defaultValue: "md5,scram-sha-256",
    dataType: "Set",
    allowedValues: "md5,scram-sha-256",
  },
  "pgbouncer.enabled": { defaultValue: "false", dataType: "Boolean", allowedValues: "true,false" },
  "metrics.collector_database_activity": {
    defaultValue: "off",
    dataType: "Boolean",
    allowedValues: "on,off",
  },
  "metrics.autovacuum_diagnostics": { defaultValue: "off", dataType: "Boolean", allowedValues: "on,off" },
  "pg_qs.query_capture_mode": {
    defaultValue: "none",
    dataType: "Enumeration",
    allowedValues: "top,all,none",
  },
  "pgms_wait_sampling.query_capture_mode": {
    defaultValue: "none",
    dataType: "Enumeration",
    allowedValues: "all,none",
  },
  "logfiles.download_enable": { defaultValue: "off", dataType: "Boolean", allowedValues: "on,off" },
  "logfiles.retention_days": { defaultValue: "3", dataType: "Integer", allowedValues: "1-7" },
};

/** Decided by the local cloud, as Azure decides them for its servers. */
const readOnly =
  /^(port|listen_addresses|data_directory|hba_file|ident_file|config_file|external_pid_file|unix_socket_.*|ssl|ssl_(cert|key|ca|crl).*|fsync|full_page_writes|cluster_name|dynamic_shared_memory_type|archive_.*|restore_command)$/;

export interface ConfigurationProperties {
  value?: string;
  source?: string;
}

interface SettingRow {
  setting: string;
  unit: string | null;
  vartype: string;
  context: string;
  min_val: string | null;
  max_val: string | null;
  enumvals: string[] | null;
  short_desc: string;
  boot_val: string | null;
  file_val: string | null;
  pending_restart: boolean;
}

/**
 * Sets a server parameter and answers it as Azure does; the value it has by default when `value` is undefined. Throws
 * for a name the server does not know, one that cannot be set, and a value it refuses. `restart` is called when the new
 * value only holds after a restart.
 */
export async function applyParameter(
  server: PostgresServer,
  name: string,
  value: string | undefined,
  restart: () => Promise<PostgresServer>,
): Promise<Record<string, unknown>> {
  const own = azureOnly[name.toLowerCase()];
  if (own) {
    const set = value ?? own.defaultValue;
    if (name.toLowerCase() === "require_secure_transport")
      await server.requireTls(set.toLowerCase() === "on");
    return describeOwn(own, set);
  }
  const before = await readSetting(server, name);
  if (isReadOnly(name, before)) {
    throw badRequest(
      "ReadOnlyConfiguration",
      `The configuration ${name} is read-only and cannot be changed.`,
    );
  }
  const assign =
    value === undefined ? `RESET ${quoted(name)}` : `SET ${quoted(name)} TO ${assigned(name, value)}`;
  try {
    await server.query(`ALTER SYSTEM ${assign}`);
  } catch (error) {
    throw badRequest(
      "InvalidParameterValue",
      `${name}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  await server.query("SELECT pg_reload_conf()");
  const needsRestart = before.context === "postmaster" && (value ?? defaultOf(before)) !== before.setting;
  const current = needsRestart ? await restart() : server;
  return describe(name, await readSetting(current, name), value);
}

/** A parameter as Azure answers it, with the value it has now. */
export async function describeParameter(
  server: PostgresServer,
  name: string,
): Promise<Record<string, unknown>> {
  const own = azureOnly[name.toLowerCase()];
  return own
    ? describeOwn(own, own.defaultValue)
    : describe(name, await readSetting(server, name), undefined);
}

async function readSetting(server: PostgresServer, name: string): Promise<SettingRow> {
  const [row] = await server.query<SettingRow>(
    `SELECT s.setting, s.unit, s.vartype, s.context, s.min_val, s.max_val, s.enumvals, s.short_desc, s.boot_val,
            s.pending_restart,
            (SELECT f.setting FROM pg_file_settings f
              WHERE f.name = s.name AND f.sourcefile LIKE '%postgresql.conf' ORDER BY f.seqno DESC LIMIT 1) AS file_val
       FROM pg_settings s WHERE s.name = lower(${pg.escapeLiteral(name)})`,
  );
  if (!row)
    throw notFound(
      "ConfigurationNotExists",
      `The configuration '${name}' does not exist for PostgreSQL server version 18.`,
    );
  return row;
}

function isReadOnly(name: string, row: SettingRow): boolean {
  return row.context === "internal" || readOnly.test(name.toLowerCase());
}

function defaultOf(row: SettingRow): string {
  return row.file_val ?? row.boot_val ?? "";
}

const vartypes: Record<string, string> = {
  bool: "Boolean",
  integer: "Integer",
  real: "Numeric",
  enum: "Enumeration",
  string: "String",
};

function describe(name: string, row: SettingRow, set: string | undefined): Record<string, unknown> {
  return {
    value: set ?? row.setting,
    source: set === undefined ? "system-default" : "user-override",
    description: row.short_desc,
    defaultValue: defaultOf(row),
    dataType: vartypes[row.vartype] ?? "String",
    allowedValues: row.enumvals?.join(",") ?? (row.min_val === null ? "" : `${row.min_val}-${row.max_val}`),
    isDynamicConfig: row.context !== "postmaster",
    isReadOnly: isReadOnly(name, row),
    isConfigPendingRestart: false,
    ...(row.unit ? { unit: row.unit } : {}),
  };
}

function describeOwn(own: (typeof azureOnly)[string], value: string): Record<string, unknown> {
  return {
    value,
    source: value === own.defaultValue ? "system-default" : "user-override",
    ...own,
    isDynamicConfig: true,
    isReadOnly: false,
    isConfigPendingRestart: false,
  };
}

function quoted(name: string): string {
  return pg.escapeIdentifier(name.toLowerCase());
}

/** Parameters that are lists must not be quoted as one word. */
function assigned(name: string, value: string): string {
  const isList = /(^shared_preload_libraries|search_path|temp_tablespaces|_libraries)$/.test(name);
  return isList && value !== ""
    ? value
        .split(",")
        .map((item) => pg.escapeLiteral(item.trim()))
        .join(", ")
    : pg.escapeLiteral(value);
}
