import { runProvider } from "../protocol/main.ts";
import { createAzureNativeProvider } from "./provider.ts";

await runProvider(createAzureNativeProvider());
