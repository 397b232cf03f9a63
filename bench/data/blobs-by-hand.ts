/**
 * `blobs-by-hand.ts seed|copy|clear`: the simplest use of the data command's client, as a process that trusts the
 * authority. Reads one JSON document, prints the seconds it took.
 */
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { BlobServiceClient } from "@azure/storage-blob";
import type { ContainerClient } from "@azure/storage-blob";
import pLimit from "p-limit";
import { discoverCloud } from "../../automation/azure/cloud.ts";
import { createPrincipalCredential } from "../../automation/azure/service-principal.ts";
import type { BenchAccounts } from "./accounts.ts";

/** As many as the data command moves at once. */
const AT_ONCE = 8;

interface Job {
  accounts: BenchAccounts["document"];
  count: number;
  bytes: number;
}

const { accounts, count, bytes } = JSON.parse(await text(process.stdin)) as Job;
const { metadataHost, source, target } = accounts.blobs;
const cloud = await discoverCloud(metadataHost);
const open = ({ endpoint, container, login }: typeof source): ContainerClient =>
  new BlobServiceClient(
    endpoint,
    createPrincipalCredential(cloud, login.azureTenantId, login.clientId, login.clientSecret),
  ).getContainerClient(container);
const [shared, own] = [open(source), open(target)];
const prefix = `${accounts.tenant.slug}/`;
const limit = pLimit(AT_ONCE);

const STEPS = {
  seed: async () => {
    const body = randomBytes(bytes);
    const names = Array.from({ length: count }, (_, index) => `${prefix}blob-${index}`);
    await Promise.all(
      names.map((name) => limit(() => shared.getBlockBlobClient(name).upload(body, body.length))),
    );
  },
  copy: async () => {
    const copies: Promise<unknown>[] = [];
    for await (const { name } of shared.listBlobsFlat({ prefix }))
      copies.push(
        limit(async () => {
          const body = await shared.getBlobClient(name).downloadToBuffer();
          await own.getBlockBlobClient(name.slice(prefix.length)).uploadData(body);
        }),
      );
    await Promise.all(copies);
  },
  clear: async () => {
    for await (const { name } of shared.listBlobsFlat({ prefix })) await shared.deleteBlob(name);
    for await (const { name } of own.listBlobsFlat()) await own.deleteBlob(name);
  },
};

const step = STEPS[process.argv[2] as keyof typeof STEPS];
const startedMs = performance.now();
await step();
process.stdout.write(String((performance.now() - startedMs) / 1000));
