import { runProvider } from "../protocol/main.ts";
import { createKubernetesProvider } from "./provider.ts";

await runProvider(createKubernetesProvider());
