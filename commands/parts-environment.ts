import type { Parts } from "../setup/parts.ts";

/** How processes are told where the parts are. */
export function partsEnvironment({
  engine,
  controlPlane,
  postgres,
  blobServer,
  redisServer,
  kafka,
  bundles,
}: Partial<Parts>): Record<string, string> {
  return {
    ...(engine && { TIERLIFT_ENGINE_ROOT: engine.root }),
    // The second name is what the plugins' start scripts look at.
    ...(bundles && { TIERLIFT_BUNDLES: bundles, TIERLIFT_PLUGIN_BUNDLES: bundles }),
    ...(controlPlane && { TIERLIFT_HYPER: controlPlane.hyper, TIERLIFT_KWOK: controlPlane.kwok }),
    ...(blobServer && { TIERLIFT_AZURITE: blobServer.main }),
    ...(redisServer && "program" in redisServer && { TIERLIFT_REDIS_SERVER: redisServer.program }),
    ...(kafka && "libs" in kafka && { TIERLIFT_JAVA: kafka.java, TIERLIFT_KAFKA_LIBS: kafka.libs }),
    ...(postgres && { TIERLIFT_POSTGRES_BIN: postgres.binDir }),
    ...(postgres?.runAs && {
      TIERLIFT_POSTGRES_UID: String(postgres.runAs.uid),
      TIERLIFT_POSTGRES_GID: String(postgres.runAs.gid),
    }),
  };
}
