/** The files a server is configured by, as text. */

export interface ServerSettings {
  port: number;
  certificateFile: string;
  keyFile: string;
}

/** Configuration the resource's own parameters (kept by ALTER SYSTEM) come on top of. */
export function postgresqlConf(settings: ServerSettings): string {
  return lines({
    listen_addresses: "127.0.0.1",
    port: settings.port,
    unix_socket_directories: "",
    ssl: "on",
    ssl_cert_file: settings.certificateFile,
    ssl_key_file: settings.keyFile,
    password_encryption: "scram-sha-256",
    max_connections: 200,
    shared_buffers: "32MB",
    // Shared memory in files of the data folder: containers often have next to no /dev/shm.
    dynamic_shared_memory_type: "mmap",
    wal_level: "logical",
    // A slot for each database of each tenant that is on its way.
    max_wal_senders: 100,
    max_replication_slots: 100,
    max_worker_processes: 16,
    min_wal_size: "64MB",
    // Survives a killed process, not a power cut: a fair price on a machine where disks are shared and slow.
    fsync: "off",
    full_page_writes: "off",
    jit: "off",
    timezone: "UTC",
    log_timezone: "UTC",
    cluster_name: "tierlift",
  });
}

/** Who may connect: with a password, and only over TLS when the server requires secure transport. */
export function pgHbaConf(superuser: string, requireTls: boolean): string {
  const kind = requireTls ? "hostssl" : "host";
  return [
    `host all ${superuser} 127.0.0.1/32 scram-sha-256`,
    `${kind} all all 127.0.0.1/32 scram-sha-256`,
    `${kind} replication all 127.0.0.1/32 scram-sha-256`,
    "",
  ].join("\n");
}

function lines(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join("");
}
