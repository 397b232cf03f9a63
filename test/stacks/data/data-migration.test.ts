import * as pulumi from "@pulumi/pulumi";
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parseRequest } from "../../../automation/data/request.ts";
import { planDataCommand, quoteForShell } from "../../../stacks/data/command.ts";
import { DataMigration, parseReport } from "../../../stacks/data/data-migration.ts";
import { administrator, record, revealSecret, stores, tenant } from "../kubernetes/recorder.ts";

const declare = () =>
  record(
    () =>
      new DataMigration("acme", {
        tenant,
        migrationId: "migration-1",
        source: { ...administrator, databases: pulumi.output(["query"]) } as typeof administrator,
        target: stores.postgres,
        databases: pulumi.output(["query", "bi"]),
        dataCommand: ["node", "main.ts"],
      }),
  );

describe("the migration of a tenant's data", () => {
  it("copies on create and update and does nothing on delete, when servers may be gone", async () => {
    const [migration] = (await declare()).of("command:local:Command");
    expect(migration!.inputs).toMatchObject({
      create: "node main.ts postgres copy",
      update: "node main.ts postgres copy",
      triggers: ["migration-1"],
    });
    expect(migration!.inputs).not.toHaveProperty("delete");
  });

  it("never copies again because a password or a path has changed", async () => {
    const [migration] = (await declare()).of("command:local:Command");
    expect(migration!.ignoreChanges).toEqual(["create", "update", "stdin", "environment"]);
  });

  it("hands over a document that the data command understands, as a secret", async () => {
    const [migration] = (await declare()).of("command:local:Command");
    const document = parseRequest(revealSecret(migration!.inputs.stdin) as string);
    expect(document).toEqual({
      tenant: { id: tenant.id, slug: "acme" },
      source: { host: "127.0.0.1", port: 6543, user: "administrator", password: "admin-secret" },
      target: { host: "127.0.0.1", port: 6543, user: "tenant_acme", password: "p@ss/word" },
      databases: ["query", "bi"],
      migrationId: "migration-1",
    });
  });

  it("has no report before it ran", () => {
    expect(parseReport(undefined)).toBeNull();
    expect(parseReport(`{"rows":1}\n`)).toEqual({ rows: 1 });
  });
});

it.each(["plain", "with space", "it's", `"double"`, "$HOME", "`id`", "a\\b", "a;b", "*", ""])(
  "a shell takes %j as one word",
  (word) => {
    expect(execFileSync("/bin/sh", ["-c", `printf %s ${quoteForShell(word)}`], { encoding: "utf8" })).toBe(
      word,
    );
  },
);

it("a command is one shell line", () => {
  expect(planDataCommand(["node", "/opt/tier lift/main.ts"], "postgres", "copy")).toBe(
    "node '/opt/tier lift/main.ts' postgres copy",
  );
});
