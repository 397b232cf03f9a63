/** `tierlift tenants …` */
import { setTimeout as delay } from "node:timers/promises";
import type { Tenant, TenantStatus } from "../../automation/model.ts";
import type { Client } from "../client.ts";
import { command, CONFIRMED, type Context } from "../command.ts";
import { ClientError, EXIT, UsageError } from "../errors.ts";
import { findTenant } from "../find.ts";
import { printResult, tell } from "../io.ts";
import { confirm } from "../prompt.ts";
import { moment, printable, table, wrap } from "../text.ts";

const PAGE_SIZE = 200;
const LOOK_EVERY_MS = 1_000;

const list = command({
  name: "tenants list",
  operands: [],
  summary: "Lists the tenants (also: tierlift tenants)",
  options: {
    tier: { type: "string", value: "TIER", help: "FREE, STARTER, PROFESSIONAL or ENTERPRISE" },
    status: { type: "string", value: "STATUS", help: "for example ACTIVE; DELETED ones are listed only so" },
    ids: { type: "boolean", help: "with their ids" },
  },
  async run(context, _operands, { tier, status, ids = false }) {
    const filter = { ...(tier && { tier }), ...(status && { status }) };
    const tenants = await listAll(context.client, filter);
    const heads = ["SLUG", "TIER", "STATUS", "REGION"];
    const rows = tenants.map((tenant) => [tenant.slug, tenant.tier, tenant.status, tenant.region]);
    const lines = table([heads, ...rows]);
    const text = ids ? lines.flatMap((line, index) => [line, `  ${tenants[index - 1]?.id ?? "ID"}`]) : lines;
    printResult(context, {
      document: { tenants, total: tenants.length },
      text: tenants.length === 0 ? ["There are no such tenants."] : text,
    });
    return EXIT.done;
  },
});

async function listAll(client: Client, filter: Record<string, string>): Promise<Tenant[]> {
  const tenants: Tenant[] = [];
  for (let page = 1; ; page++) {
    const query = new URLSearchParams({ ...filter, page: String(page), size: String(PAGE_SIZE) });
    const found = await client.get<{ tenants: Tenant[]; total: number }>(
      `/api/v1/tenants?${query.toString()}`,
    );
    tenants.push(...found.tenants);
    if (found.tenants.length === 0 || tenants.length >= found.total) return tenants;
  }
}

const get = command({
  name: "tenants get",
  operands: ["TENANT"],
  summary: "Shows a tenant",
  options: {},
  async run(context, [name = ""]) {
    const tenant = await findTenant(context, name);
    printResult(context, { document: tenant, text: describeTenant(tenant) });
    return EXIT.done;
  },
});

const create = command({
  name: "tenants create",
  operands: ["SLUG"],
  summary: "Makes a tenant on the shared cluster",
  options: {
    email: { type: "string", value: "ADDRESS", help: "of its administrator (required)" },
    name: { type: "string", value: "NAME", help: "the slug when absent" },
    tier: { type: "string", value: "TIER", help: "FREE (when absent) or STARTER" },
    region: { type: "string", value: "REGION", help: "an Azure region; westeurope when absent" },
    wait: { type: "boolean", help: "until it is ACTIVE" },
  },
  async run(context, [slug = ""], { email, name = slug, tier, region, wait = false }) {
    if (email === undefined)
      throw new UsageError("--email is missing: the address of the tenant's administrator.");
    const wish = { slug, name, adminEmail: email, ...(tier && { tier }), ...(region && { region }) };
    const { body } = await context.client.post<Tenant>("/api/v1/tenants", wish);
    const tenant = wait ? await untilStatus(context, body, ["ACTIVE", "PROVISIONING_FAILED"]) : body;
    printResult(context, { document: tenant, text: describeTenant(tenant) });
    if (tenant.status !== "PROVISIONING_FAILED") return EXIT.done;
    const { error } = await context.client.get<{ error: { message: string } | null }>(
      `/api/v1/tenants/${tenant.id}/provisioning/status`,
    );
    throw new ClientError(`The slice of ${slug} could not be made: ${error?.message ?? ""}`, EXIT.failed);
  },
});

const remove = command({
  name: "tenants delete",
  operands: ["TENANT"],
  summary: "Destroys everything of a tenant; its history is kept",
  options: { ...CONFIRMED, wait: { type: "boolean", help: "until it is DELETED" } },
  async run(context, [name = ""], { yes = false, wait = false }) {
    const { client, io, signal } = context;
    const { id, slug, tier, region } = await findTenant(context, name);
    const text = wrap(
      `Tenant ${slug} (${tier}, ${region}) is deleted: its infrastructure, its data and its names are destroyed, and cannot be brought back.`,
    );
    if (!yes) await confirm(io, { text, answer: slug, signal });
    const query = new URLSearchParams({ confirm: slug });
    const deleting = await client.delete<Tenant>(`/api/v1/tenants/${id}?${query.toString()}`);
    const tenant = wait ? await untilStatus(context, deleting, ["DELETED"]) : deleting;
    printResult(context, { document: tenant, text: describeTenant(tenant) });
    return EXIT.done;
  },
});

async function untilStatus({ client, io, signal }: Context, tenant: Tenant, wanted: TenantStatus[]) {
  for (let now = tenant, told = ""; ; now = await client.get<Tenant>(`/api/v1/tenants/${tenant.id}`)) {
    if (now.status !== told) tell(io, `${now.slug} is ${now.status}`);
    told = now.status;
    if (wanted.includes(now.status)) return now;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** A few lines; the document has all of it. */
function describeTenant({ limits, ...tenant }: Tenant): string[] {
  const endpoints = Object.keys(tenant.serviceEndpoints).length;
  const facts: [string, string][] = [
    ["slug", tenant.slug],
    ["name", tenant.name],
    ["id", tenant.id],
    ["status", tenant.status],
    ["tier", `${tenant.tier} (${limits.deployment.toLowerCase()})`],
    ["region", tenant.region],
    ["administrator", tenant.adminEmail],
    [
      "limits",
      `${limits.maxUsers ?? "any number of"} users, ${limits.maxConnections} connections, ${limits.storageGb} GB`,
    ],
    [
      "",
      `${limits.apiRatePerMinute} requests/min, ${limits.support} support, SLA ${limits.slaPercent ?? "none"}`,
    ],
    ["services", endpoints === 0 ? "none yet" : `${endpoints} deployed`],
    ["created", `${moment(tenant.createdAt)} UTC`],
  ];
  return facts.flatMap(([word, fact]) => {
    const [first = "", ...rest] = wrap(printable(fact), " ".repeat(15));
    return [`${word.padEnd(15)}${first.trimStart()}`, ...rest];
  });
}

export const TENANT_COMMANDS = [list, get, create, remove];
