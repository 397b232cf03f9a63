import { afterEach, expect, test } from "vitest";
import { tierliftError } from "../../../automation/errors.ts";
import type { DataInput, DataVerb } from "../../../automation/ports.ts";
import {
  activeTenant,
  ADMIN,
  arrival,
  createWorld,
  inVerification,
  underWay,
} from "../../support/fake-world.ts";
import type { World } from "../../support/fake-world.ts";

let world: World;
/** What happened to copies and to what follows them, in order: verbs of the data command, and `destroy`. */
let happened: string[];
let inputs: DataInput[];
afterEach(() => world.tierlift.stop());

async function begin(fails: (verb: DataVerb) => boolean = () => false): Promise<void> {
  [happened, inputs] = [[], []];
  world = createWorld({
    ports: {
      runData: (verb, input) => {
        happened.push(verb);
        inputs.push(input);
        if (!fails(verb)) return Promise.resolve({});
        return Promise.reject(tierliftError("DATA_COMMAND_FAILED", { verb, problem: "no connection" }));
      },
    },
  });
  world.engine.onApply = (_stack, operation, { name }) => {
    if (operation === "delete" && name === "data") happened.push("destroy");
  };
  await world.tierlift.start();
}

const rolledBack = async (jobId: string) => {
  await world.tierlift.migrations.rollback(jobId, "slow", ADMIN);
  return arrival(world, jobId, "ROLLED_BACK", "FAILED");
};

test("a rollback ends what follows the tenant's changes before it destroys the copies", async () => {
  await begin();
  const { jobId } = await inVerification(world);
  expect(happened).toEqual([]);
  expect((await rolledBack(jobId)).status).toBe("ROLLED_BACK");
  expect(happened).toEqual(["detach", "destroy"]);
  expect(inputs[0]).toMatchObject({ target: { password: "password of acme" }, databases: ["query"] });
});

test("a rollback whose end on the shared server failed does without the tenant's server in a retry", async () => {
  let isDown = true;
  await begin((verb) => verb === "detach" && isDown);
  const { jobId } = await inVerification(world);
  expect((await rolledBack(jobId)).error?.code).toBe("UNDO_INCOMPLETE");
  isDown = false;
  await world.tierlift.migrations.retry(jobId, ADMIN);
  await arrival(world, jobId, "ROLLED_BACK");
  expect(inputs.at(-1)).toMatchObject({ source: { password: "password of platform" }, databases: ["query"] });
  expect(inputs.at(-1)).not.toHaveProperty("target");
});

test("a migration that never came to the copy asks nothing of the shared server on its way back", async () => {
  await begin();
  world.engine.onApply = (stack, operation, { name }) => {
    if (operation === "create" && name === "services")
      throw tierliftError("ENGINE_FAILED", { stack, detail: "no" });
  };
  const { id } = await activeTenant(world);
  const jobId = await underWay(world, id);
  await arrival(world, jobId, "FAILED");
  await rolledBack(jobId);
  expect(happened).toEqual([]);
});

test("a tenant that stays on the shared server is neither copied nor followed", async () => {
  await begin();
  const { id } = await activeTenant(world, "FREE");
  const { migrations } = world.tierlift;
  const job = await migrations.initiate(id, "STARTER", ADMIN);
  await migrations.validatePayment(job.id, ADMIN);
  expect((await arrival(world, job.id, "COMPLETED", "FAILED")).status).toBe("COMPLETED");
  expect(happened).toEqual([]);
});
