/** Where a managed server listens. */
export interface Endpoint {
  host: string;
  port: number;
}

/**
 * Azure answers a bare host and its port is a constant; the local cloud answers `127.0.0.1:PORT` in the same field.
 * Reading both lets one program run on either.
 */
export function parseEndpoint(value: string, defaultPort: number): Endpoint {
  const match = /^(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>\d{1,5}))?$/.exec(value.trim());
  const host = match?.groups?.host;
  const port = match?.groups?.port === undefined ? defaultPort : Number(match.groups.port);
  if (!host || port < 1 || port > 65_535) {
    throw new RangeError(`"${value}" is not a host or host:port.`);
  }
  return { host, port };
}
