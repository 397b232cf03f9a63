/** Every command, in the order of the help. */
import type { Command } from "../command.ts";
import { DECISION_COMMANDS } from "./decide.ts";
import { READ_COMMANDS } from "./read.ts";
import { TENANT_COMMANDS } from "./tenants.ts";
import { upgrade } from "./upgrade.ts";
import { watch } from "./watch.ts";

export const COMMANDS: readonly Command[] = [
  ...TENANT_COMMANDS,
  upgrade,
  watch,
  ...READ_COMMANDS,
  ...DECISION_COMMANDS,
];
