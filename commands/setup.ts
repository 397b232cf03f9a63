/** `npm run setup`: brings everything that the other commands need, and says where it is. */
import { ensureParts } from "../setup/parts.ts";
import { runCommandLine } from "./command-line.ts";

await runCommandLine(async ({ log, signal }) => {
  const parts = await ensureParts({ log, signal });
  const { engine, controlPlane, postgres, blobServer, redisServer, kafka } = parts;
  console.log(`Pulumi engine ${engine.version}: ${engine.root}`);
  console.log(
    `Kubernetes control plane ${controlPlane.version}: ${controlPlane.hyper}, ${controlPlane.kwok}`,
  );
  console.log(`PostgreSQL ${postgres.version}: ${postgres.binDir}`);
  console.log(`blob server Azurite ${blobServer.version}: ${blobServer.main}`);
  if ("program" in redisServer) console.log(`Redis ${redisServer.version}: ${redisServer.program}`);
  if ("libs" in kafka) console.log(`Kafka ${kafka.version}: ${kafka.libs}, run by ${kafka.java}`);
});
