/** Blobs of tenants in the shared storage account, as the services would have written them. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Endpoints } from "../endpoints.ts";
import { openContainer, type BlobContent, type Container } from "./container.ts";
import type { Whose } from "./sign-in.ts";
import type { Stage } from "./stage.ts";

/** The shared container, and the one of a tenant's own account. */
const SHARED_CONTAINER = "tenants";
const OWN_CONTAINER = "data";
/** More than a mover takes in one piece. */
const LARGE_BYTES = 9 * 1024 * 1024;

export type Account = Endpoints["blobs"][number];

export interface BlobCounts {
  blobs: number;
  bytes: number;
}

type Reach = Pick<Stage, "endpoints" | "storageToken">;

export function openShared(reach: Reach, account: Account): Promise<Container> {
  return open(reach, account, "platform", SHARED_CONTAINER);
}

export function openOwn(reach: Reach, account: Account): Promise<Container> {
  return open(reach, account, "tenant", OWN_CONTAINER);
}

async function open(
  { endpoints, storageToken }: Reach,
  { endpoint }: Account,
  whose: Whose,
  container: string,
): Promise<Container> {
  const ca = await readFile((await endpoints()).ca, "utf8");
  return openContainer({ endpoint, container, ca, token: await storageToken(whose) });
}

/** Writes a tenant's blobs: a report for each of `size` objects, a model with what it was made of, a large export. */
export async function writeBlobs(shared: Container, slug: string, size: number): Promise<BlobCounts> {
  const blobs = [...planReports(size), ...planModels(), planExport(slug)];
  await Promise.all(blobs.map(([name, content]) => shared.put(`${slug}/${name}`, content)));
  return { blobs: blobs.length, bytes: blobs.reduce((sum, [, { body }]) => sum + body.length, 0) };
}

/** How many blobs are there, and how many bytes they have together. */
export async function countBlobs(container: Container, prefix: string): Promise<BlobCounts> {
  const found = await container.entries(prefix);
  return { blobs: found.length, bytes: found.reduce((sum, { bytes }) => sum + bytes, 0) };
}

type Named = [name: string, content: BlobContent];

function planReports(count: number): Named[] {
  return Array.from({ length: count }, (_, index): Named => {
    const rows = Array.from({ length: 40 * (index + 1) }, (_row, row) => `${row};${row * 37};${row % 7}`);
    return [
      `reports/2026/report ${index + 1}.csv`,
      {
        body: Buffer.from(["id;amount;day", ...rows].join("\n")),
        contentType: "text/csv; charset=utf-8",
        metadata: { report: String(index + 1), owner: `team-${index % 5}` },
      },
    ];
  });
}

function planModels(): Named[] {
  const card = { name: "churn", version: 3, features: ["tenure", "plan"] };
  return [
    ["models/churn/model.json", { body: Buffer.from(JSON.stringify(card)), contentType: "application/json" }],
    ["models/churn/_SUCCESS", { body: Buffer.alloc(0), contentType: "application/octet-stream" }],
  ];
}

/** Looks random and is the same each time. */
function planExport(slug: string): Named {
  const seed = createHash("sha512").update(slug).digest();
  const body = Buffer.alloc(LARGE_BYTES);
  for (let at = 0; at < LARGE_BYTES; at += seed.length) {
    seed.copy(body, at);
    body.writeUInt32LE(at, at);
  }
  return ["exports/warehouse.parquet", { body, contentType: "application/vnd.apache.parquet" }];
}
