/** A Redis client as a service of a tenant would have it. */
import { createClient, RESP_TYPES } from "@redis/client";

export interface RedisAddress {
  port: number;
  password: string;
  /** PEM of the authority that signs the server's certificate. */
  ca: string;
}

/** Connects, with one try; the caller destroys it. */
export async function connectRedis({ port, password, ca }: RedisAddress) {
  const client = createClient({
    password,
    socket: { host: "127.0.0.1", port, tls: true, ca, reconnectStrategy: false, connectTimeout: 5_000 },
  });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
export type Redis = Awaited<ReturnType<typeof connectRedis>>;

/** The same client with strings of bytes. */
export const withBytes = (client: Redis) => client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
