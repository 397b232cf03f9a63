/** A stand-in for a local cloud that is killed: starts what is behind one resource, says `ready`, and stays. */
import { createBlobBackends } from "../../local/blobs/accounts.ts";
import { createKafkaBackends } from "../../local/kafka/namespaces.ts";
import type { KafkaPart } from "../../local/kafka/server.ts";
import { createClusterBackends } from "../../local/kubernetes/clusters.ts";
import { ensureAuthority } from "../../local/pki/authority.ts";
import { createPostgresBackends } from "../../local/postgres/servers.ts";
import type { ArmResource } from "../../local/arm/backend.ts";
import { viewOf } from "./arm-resources.ts";

interface Request {
  dir: string;
  resource: ArmResource;
  parts?: { hyper: string; kwok: string };
  binDir?: string;
  azurite?: string;
  kafka?: KafkaPart;
  keysFile?: string;
}

const { dir, resource, parts, binDir, azurite, kafka, keysFile } = JSON.parse(process.argv[2]!) as Request;
const onChange = () => undefined;
const authority = await ensureAuthority(`${dir}/pki`);
const group = parts
  ? createClusterBackends({ dir, ...parts, onChange })
  : azurite
    ? createBlobBackends({ dir, main: azurite, authority, onChange })
    : kafka
      ? createKafkaBackends({ dir, part: kafka, authority, keysFile: keysFile!, onChange })
      : createPostgresBackends({ dir, binDir: binDir!, authority, onChange });
await group.backends[0]!.ensure(resource, viewOf([resource]));
console.log("ready");
setInterval(() => undefined, 60_000);
