import { runProvider } from "../protocol/main.ts";
import { createCommandProvider } from "./command.ts";

await runProvider(createCommandProvider());
